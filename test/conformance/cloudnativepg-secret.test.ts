import { startTestControlPlane } from "../support/server/kube-apiserver.ts";
import { describeCloudNativePgSecret } from "../support/suite/cloudnativepg-secret.ts";

describeCloudNativePgSecret(() => startTestControlPlane("real"));
