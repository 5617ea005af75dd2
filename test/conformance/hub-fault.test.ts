import { describeHubFaults } from "../support/suite/hub-fault.ts";

describeHubFaults({ pairs: 6 });
