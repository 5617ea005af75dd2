import { startTestControlPlane } from "../support/server/kube-apiserver.ts";
import { describeHubFaults } from "../support/suite/hub-fault.ts";

describeHubFaults({ sample: 4, start: () => startTestControlPlane("real") });
