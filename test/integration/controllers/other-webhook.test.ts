import { describeOtherWebhook } from "../../support/suite/other-webhook.ts";

describeOtherWebhook();
