import { describeKindFaults } from "../../support/suite/kind-fault.ts";

describeKindFaults({ sample: 4 });
