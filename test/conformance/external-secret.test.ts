import { startTestControlPlane } from "../support/server/kube-apiserver.ts";
import { describeExternalSecrets } from "../support/suite/external-secret.ts";

describeExternalSecrets(() => startTestControlPlane("real"));
