import { describeKubeControlPlane } from "../../support/suite/kube.ts";

describeKubeControlPlane("embedded");
