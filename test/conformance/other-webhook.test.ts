import { startTestControlPlane } from "../support/server/kube-apiserver.ts";
import { describeOtherWebhook } from "../support/suite/other-webhook.ts";

describeOtherWebhook(() => startTestControlPlane("real"));
