const text = { type: "string" };
const object = (properties: object) => ({ type: "object", properties });
const list = (items: object) => ({ type: "array", items });

const definition = (group: string, kind: string, plural: string, spec: object) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: object({ spec: { ...spec, type: "object" } }) },
      },
    ],
  },
});

const labels = { type: "object", additionalProperties: text };

/**
 * Definitions of other products' kinds that the chart renders, with the members of their published APIs that it uses. They are
 * not these products' own definitions.
 */
export const NEIGHBOUR_DEFINITIONS = [
  definition(
    "cert-manager.io",
    "Certificate",
    "certificates",
    object({
      ...{ isCA: { type: "boolean" }, commonName: text, secretName: text, duration: text, renewBefore: text },
      ...{ dnsNames: list(text), ipAddresses: list(text) },
      privateKey: object({ algorithm: text, size: { type: "integer" }, rotationPolicy: text }),
      issuerRef: object({ name: text, kind: text, group: text }),
    }),
  ),
  definition(
    "cert-manager.io",
    "Issuer",
    "issuers",
    object({ selfSigned: { type: "object" }, ca: object({ secretName: text }) }),
  ),
  definition(
    "monitoring.coreos.com",
    "ServiceMonitor",
    "servicemonitors",
    object({
      namespaceSelector: object({ any: { type: "boolean" } }),
      selector: object({ matchLabels: labels }),
      endpoints: list(object({ port: text, path: text, interval: text })),
    }),
  ),
  definition(
    "monitoring.coreos.com",
    "PrometheusRule",
    "prometheusrules",
    object({
      groups: list(
        object({
          name: text,
          rules: list(object({ alert: text, expr: text, for: text, labels, annotations: labels })),
        }),
      ),
    }),
  ),
];
