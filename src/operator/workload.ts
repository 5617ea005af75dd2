import { SYSTEM_NAMESPACE } from "../api/name.ts";

/** The operator's Deployment, as the chart makes it. */
export const OPERATOR = { name: "catalyst-operator", namespace: SYSTEM_NAMESPACE };

/** The Pods of the operator. */
export const OPERATOR_PODS = {
  namespace: SYSTEM_NAMESPACE,
  labelSelector: "app.kubernetes.io/name=catalyst-operator",
};
