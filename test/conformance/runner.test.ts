import { describeRunner } from "../support/suite/runner.ts";

describeRunner("real");
