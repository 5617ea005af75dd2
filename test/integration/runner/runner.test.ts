import { describeRunner } from "../../support/runner-suite.ts";

describeRunner("embedded");
