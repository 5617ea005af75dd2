import { startTestControlPlane } from "../support/server/kube-apiserver.ts";
import { describeHeldUpRelease } from "../support/suite/held-up-release.ts";

describeHeldUpRelease(() => startTestControlPlane("real"));
