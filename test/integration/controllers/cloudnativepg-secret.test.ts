import { describeCloudNativePgSecret } from "../../support/suite/cloudnativepg-secret.ts";

describeCloudNativePgSecret();
