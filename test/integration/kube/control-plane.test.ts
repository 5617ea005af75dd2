import { describeKubeMachinery } from "../../support/suite/kube.ts";

describeKubeMachinery("embedded");
