import { describeAccess } from "../support/suite/access/suite.ts";

describeAccess("embedded");
describeAccess("real");
