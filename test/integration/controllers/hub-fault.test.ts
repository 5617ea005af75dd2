import { describeHubFaults } from "../../support/suite/hub-fault.ts";

describeHubFaults({ sample: 2 });
