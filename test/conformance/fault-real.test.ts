import { startTestControlPlane } from "../support/server/kube-apiserver.ts";
import { describeOperatorFaults } from "../support/suite/operator-fault.ts";

describeOperatorFaults({ sample: 8, start: () => startTestControlPlane("real") });
