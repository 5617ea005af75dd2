import { describeHubFaults } from "../support/suite/hub-fault.ts";

describeHubFaults({ lanes: 6 });
