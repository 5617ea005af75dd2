import { describeExternalSecrets } from "../../support/suite/external-secret.ts";

describeExternalSecrets();
