import { describeNativePolicies } from "../../support/native-policy-suite.ts";

describeNativePolicies("embedded");
