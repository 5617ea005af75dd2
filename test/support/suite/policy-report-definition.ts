const text = { type: "string" };
const count = { type: "integer" };
const object = (properties: object, required: readonly string[] = []) => ({
  ...{ type: "object", properties },
  ...(required.length === 0 ? {} : { required }),
});
const list = (items: object) => ({ type: "array", items });

/**
 * The definition of PolicyReports, in the smallest structural form: the members of wgpolicyk8s.io/v1alpha2 that reports of
 * admission have, with the types and the lists of values that the Kubernetes policy working group publishes.
 */
export const POLICY_REPORT_DEFINITION = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: "policyreports.wgpolicyk8s.io",
    annotations: { "api-approved.kubernetes.io": "unapproved, for a test" },
  },
  spec: {
    group: "wgpolicyk8s.io",
    scope: "Namespaced",
    names: {
      plural: "policyreports",
      singular: "policyreport",
      kind: "PolicyReport",
      listKind: "PolicyReportList",
    },
    versions: [
      {
        ...{ name: "v1alpha2", served: true, storage: true },
        schema: {
          openAPIV3Schema: object({
            summary: object({ pass: count, fail: count, warn: count, error: count, skip: count }),
            results: list(
              object(
                {
                  ...{ source: text, policy: text, rule: text, category: text, message: text },
                  result: { type: "string", enum: ["pass", "fail", "warn", "error", "skip"] },
                  severity: { type: "string", enum: ["critical", "high", "low", "medium", "info"] },
                  timestamp: object(
                    {
                      seconds: { type: "integer", format: "int64" },
                      nanos: { type: "integer", format: "int32" },
                    },
                    ["nanos", "seconds"],
                  ),
                  resources: list(
                    object({ apiVersion: text, kind: text, name: text, namespace: text, uid: text }),
                  ),
                },
                ["policy"],
              ),
            ),
          }),
        },
      },
    ],
  },
};
