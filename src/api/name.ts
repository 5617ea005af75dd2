/** Names that the parts share; docs/architecture.md lists them. */
export const SYSTEM_NAMESPACE = "catalyst-system";
export const CATALOG_NAMESPACE = "catalog";
export const PRIVATE_CATALOG_NAMESPACE = "catalog-sovereign";
export const FIELD_MANAGER = "catalyst-operator";
/** The operator's own ClusterRole, which the chart creates. */
export const OPERATOR_CLUSTER_ROLE = "catalyst-operator";
/** The field manager of the hub on its Sovereigns' clusters, and the ServiceAccount that it uses there. */
export const HUB_NAME = "catalyst-hub";
export const OPERATOR_KEY_SECRET = "catalyst-operator-key";
export const OPERATOR_HASH_SECRET = "catalyst-operator-hash-key";
export const WEBHOOK_TLS_SECRET = "catalyst-operator-webhook-tls";
export const WEBHOOK_CONFIGURATION = "catalyst-operator";
export const WEBHOOK_SERVICE = "catalyst-operator-webhook";
export const TRUST_CONFIG_MAP = "catalyst-trust";
export const TRUST_KEY = "trust.yaml";
/** The report of denials that `--enforcement Audit` did not enforce. */
export const ADMISSION_REPORT = { configMap: "catalyst-admission-report", key: "report.json" } as const;
export const TRUSTED_ROOT_KEY = "trusted-root.json";

/** Names in a Sovereign's namespace. */
export const BILLING = {
  workload: "billing",
  configMap: "billing-config",
  migrationServiceAccount: "billing-migrate",
  migrationContainer: "migrate",
  port: 8085,
  portName: "http",
  configPath: "/etc/catalyst",
  /** In `configMap`, the authorities of the issuer's certificate. */
  issuerCaFile: "issuer-ca.pem",
  /** How many seconds a Pod continues to serve after SIGTERM, unless a flag of the operator sets another number. */
  drainSeconds: 10,
} as const;

/** Keys of the Secret that `billing.payments.secretRef` names. */
export const PAYMENT_KEYS = {
  secretKey: "secret-key",
  webhookSecret: "webhook-secret",
  publicKey: "public-key",
} as const;

export const sovereignNamespace = (name: string, chosen?: string): string => chosen ?? `sovereign-${name}`;
export const organizationNamespace = (name: string): string => `org-${name}`;
