import { DEFAULT_DOCS_URL } from "../admission/rules/denial-link.ts";
import { BUILT_IN_IDENTITIES } from "../admission/rules/identity.ts";
import { INLINE_DRIVERS } from "../admission/rules/pod-isolation.ts";
import { BILLING } from "../api/name.ts";

/** A flag, the variable that replaces it, and its default, as `--help` and docs/operator-flags.md show them. */
export interface FlagDescription {
  flag: string;
  variable: string;
  /** The chart value that sets it. Undefined: the chart sets it without a value. */
  chartValue: string | undefined;
  fallback: string;
  description: string;
}

/** After this time, EndpointSlices, kube-proxies and load balancers no longer send requests to the Pod. */
export const DEFAULT_DRAIN_SECONDS = 10;

/** The chart's Service of the operators. */
export const DEFAULT_OPERATOR_URL = "http://catalyst-operator.catalyst-system.svc:8085";

export const FLAGS: readonly FlagDescription[] = [
  {
    flag: "identity",
    variable: "POD_NAME",
    chartValue: undefined,
    fallback: "host name and process id",
    description: "unique name of this replica in the leader election and in Events",
  },
  {
    flag: "host",
    variable: "HOST",
    chartValue: undefined,
    fallback: "all addresses, of IPv4 and IPv6",
    description: "address on which the servers listen",
  },
  {
    flag: "webhook-port",
    variable: "WEBHOOK_PORT",
    chartValue: "webhook.port",
    fallback: "9443",
    description: "port of the admission webhook (TLS)",
  },
  {
    flag: "webhook-url",
    variable: "WEBHOOK_URL",
    chartValue: "webhook.url",
    fallback: "the Service",
    description: "https URL at which API servers call the webhook",
  },
  {
    flag: "webhook-cert-dir",
    variable: "WEBHOOK_CERT_DIR",
    chartValue: "webhook.certificate.secretName",
    fallback: "the operator makes its certificate",
    description: "folder of tls.crt, tls.key and ca.crt that the webhook serves, read again when they change",
  },
  {
    flag: "webhook-cert-secret",
    variable: "WEBHOOK_CERT_SECRET",
    chartValue: undefined,
    fallback: "the operator makes its certificate",
    description: "NAMESPACE/NAME of a Secret with these files, read again each minute",
  },
  {
    flag: "webhook-client-ca-file",
    variable: "WEBHOOK_CLIENT_CA",
    chartValue: "webhook.clientCertificate.configMapName",
    fallback: "no client certificate is demanded",
    description: "PEM file of the CA whose client certificates the webhook demands of API servers",
  },
  {
    flag: "webhook-client-names",
    variable: "WEBHOOK_CLIENT_NAMES",
    chartValue: "webhook.clientCertificate.names",
    fallback: "every name",
    description: "common names of the client certificates that are accepted, comma-separated",
  },
  {
    flag: "voucher-api-port",
    variable: "VOUCHER_API_PORT",
    chartValue: "voucherApi.port",
    fallback: "8085",
    description: "port of the embedded voucher API",
  },
  {
    flag: "voucher-api-sovereign",
    variable: "VOUCHER_API_SOVEREIGN",
    chartValue: "voucherApi.sovereign",
    fallback: "the Sovereign with role CatalystZero",
    description: "name of the Sovereign whose vouchers the embedded API serves",
  },
  {
    flag: "operator-url",
    variable: "OPERATOR_URL",
    chartValue: undefined,
    fallback: DEFAULT_OPERATOR_URL,
    description: "origin at which billing Pods reach the voucher API's port, to report placed orders",
  },
  {
    flag: "http-port",
    variable: "HTTP_PORT",
    chartValue: "http.port",
    fallback: "8080",
    description: "port of /healthz, /readyz and /metrics",
  },
  {
    flag: "registry-mirrors",
    variable: "REGISTRY_MIRRORS",
    chartValue: "registryMirrors",
    fallback: "none",
    description: "HOST=ORIGIN, comma-separated: the registry at ORIGIN is read in place of HOST",
  },
  {
    flag: "enforcement",
    variable: "ENFORCEMENT",
    chartValue: "enforcement",
    fallback: "Deny",
    description: "Deny, or Audit: admission allows every request, and reports what Deny would refuse",
  },
  {
    flag: "docs-url",
    variable: "DOCS_URL",
    chartValue: "docsUrl",
    fallback: DEFAULT_DOCS_URL,
    description: "page that denials link to, each with #RULE",
  },
  {
    flag: "registry-ca-file",
    variable: "REGISTRY_CA_FILE",
    chartValue: "registryCaConfigMap",
    fallback: "the public authorities only",
    description: "PEM file of authorities whose certificates registries may use besides the public ones",
  },
  {
    flag: "registry-pull-secret-files",
    variable: "REGISTRY_PULL_SECRET_FILES",
    chartValue: "registryPullSecrets",
    fallback: "none",
    description: "files with .dockerconfigjson of pull secrets for reading signatures, comma-separated",
  },
  {
    flag: "platform-groups",
    variable: "PLATFORM_GROUPS",
    chartValue: "platform.groups",
    fallback: BUILT_IN_IDENTITIES.platformGroups.join(","),
    description: "groups that belong to the platform besides the built-in ones, comma-separated",
  },
  {
    flag: "platform-service-account-namespaces",
    variable: "PLATFORM_SERVICE_ACCOUNT_NAMESPACES",
    chartValue: "platform.serviceAccountNamespaces",
    fallback: BUILT_IN_IDENTITIES.platformNamespaces.join(","),
    description:
      "namespaces whose ServiceAccounts belong to the platform besides the built-in ones, comma-separated",
  },
  {
    flag: "control-plane-user-prefixes",
    variable: "CONTROL_PLANE_USER_PREFIXES",
    chartValue: "controlPlane.userPrefixes",
    fallback: BUILT_IN_IDENTITIES.controlPlanePrefixes.join(","),
    description:
      "beginnings of the names of users that are the cluster's own control plane besides the built-in one, comma-separated, such as eks:",
  },
  {
    flag: "controller-namespaces",
    variable: "CONTROLLER_NAMESPACES",
    chartValue: "controllers.namespaces",
    fallback: BUILT_IN_IDENTITIES.controllerNamespaces.join(","),
    description: "namespaces of cluster controllers besides the built-in ones, comma-separated",
  },
  {
    flag: "inline-volume-drivers",
    variable: "INLINE_VOLUME_DRIVERS",
    chartValue: "inlineVolumeDrivers",
    fallback: INLINE_DRIVERS.join(","),
    description:
      "CSI drivers besides the built-in ones whose inline volumes everyone's Pods may mount, comma-separated",
  },
  {
    flag: "concurrency",
    variable: "CONCURRENCY",
    chartValue: "concurrency",
    fallback: "4",
    description: "objects of one kind that are reconciled at the same time",
  },
  {
    flag: "drain-seconds",
    variable: "DRAIN_SECONDS",
    chartValue: "drainSeconds",
    fallback: String(DEFAULT_DRAIN_SECONDS),
    description: "seconds to keep serving after SIGTERM, while /readyz answers 503",
  },
  {
    flag: "billing-drain-seconds",
    variable: "BILLING_DRAIN_SECONDS",
    chartValue: "billing.drainSeconds",
    fallback: String(BILLING.drainSeconds),
    description: "seconds that the billing Pods keep serving after SIGTERM",
  },
  {
    flag: "log-level",
    variable: "LOG_LEVEL",
    chartValue: "logLevel",
    fallback: "info",
    description: "one of trace, debug, info, warn, error",
  },
];
