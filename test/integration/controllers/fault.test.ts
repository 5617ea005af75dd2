import { describeOperatorFaults } from "../../support/suite/operator-fault.ts";

describeOperatorFaults({ sample: 8 });
