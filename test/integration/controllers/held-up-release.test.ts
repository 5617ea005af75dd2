import { describeHeldUpRelease } from "../../support/suite/held-up-release.ts";

describeHeldUpRelease();
