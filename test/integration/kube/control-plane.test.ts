import { describeKubeMachinery } from "../../support/kube-suite.ts";

describeKubeMachinery("embedded");
