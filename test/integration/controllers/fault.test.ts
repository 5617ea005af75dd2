import { describeOperatorFaults } from "../../support/suite/operator-fault.ts";

describeOperatorFaults({ sample: 6, isBrief: true });
