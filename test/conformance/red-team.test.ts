import { describeRedTeam } from "../support/suite/red-team/suite.ts";

describeRedTeam("real");
