import { describeNativePolicies } from "../support/suite/native-policy.ts";

describeNativePolicies("real");
