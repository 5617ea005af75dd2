import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { ENFORCEMENTS } from "../admission/enforcement.ts";
import { BUILT_IN_IDENTITIES, identityLists } from "../admission/rules/identity.ts";
import { BILLING } from "../api/name.ts";
import type { OperatorSettings } from "../operator/settings.ts";
import { createEnvReader, type Env } from "../platform/env.ts";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { LOG_LEVELS } from "../platform/log.ts";

/** A flag, the variable that replaces it, and its default, as `--help` and docs/operator-flags.md show them. */
export interface FlagDescription {
  flag: string;
  variable: string;
  /** The chart's value that sets it; undefined: the chart sets it without a value. */
  chartValue: string | undefined;
  fallback: string;
  description: string;
}

/** After this time, EndpointSlices, kube-proxies and load balancers no longer send requests here. */
const DEFAULT_DRAIN_SECONDS = 10;
const MAX_DRAIN_SECONDS = 300;

/** The page in the repository: an installation names its own copy. */
const DEFAULT_DOCS_URL = "docs/denied.md";

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
    fallback: "0.0.0.0",
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
    flag: "webhook-client-ca-file",
    variable: "WEBHOOK_CLIENT_CA",
    chartValue: "webhook.clientCertificate.configMapName",
    fallback: "every client is answered",
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
    description: "Audit: admission lets everything pass, and reports what Deny would refuse",
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
    flag: "controller-namespaces",
    variable: "CONTROLLER_NAMESPACES",
    chartValue: "controllers.namespaces",
    fallback: BUILT_IN_IDENTITIES.controllerNamespaces.join(","),
    description: "namespaces of cluster controllers besides the built-in ones, comma-separated",
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
    description: "the same for the billing Pods that the operator deploys",
  },
  {
    flag: "log-level",
    variable: "LOG_LEVEL",
    chartValue: "logLevel",
    fallback: "info",
    description: "one of trace, debug, info, warn, error",
  },
];

/** A flag overrides its variable. Throws `UsageError`. */
export function readOperatorSettings(args: string[], env: Env): OperatorSettings {
  const given = parseFlags(args);
  const reader = createEnvReader(
    mergeFlags(given, env),
    undefined,
    (variable) => given.get(variable)?.flag ?? variable,
  );
  const { nameOf } = reader;
  const port = (name: string, fallback: number) => reader.integer(name, fallback, 0, 65_535);
  const webhookUrl = reader.optional("WEBHOOK_URL")?.replace(/\/$/, "");
  if (webhookUrl !== undefined && URL.parse(webhookUrl)?.protocol !== "https:") {
    throw new UsageError(`${nameOf("WEBHOOK_URL")} must be an https URL`);
  }
  return {
    identity: reader.optional("POD_NAME") ?? `${hostname()}_${process.pid}`,
    host: reader.optional("HOST") ?? "0.0.0.0",
    webhookPort: port("WEBHOOK_PORT", 9443),
    webhookUrl,
    webhookCertDir: reader.optional("WEBHOOK_CERT_DIR"),
    webhookClientCaFile: reader.optional("WEBHOOK_CLIENT_CA"),
    webhookClientNames: reader.list("WEBHOOK_CLIENT_NAMES"),
    voucherApiPort: port("VOUCHER_API_PORT", 8085),
    voucherApiSovereign: reader.optional("VOUCHER_API_SOVEREIGN"),
    httpPort: port("HTTP_PORT", 8080),
    registryMirrors: new Map(
      reader.list("REGISTRY_MIRRORS").map((text) => parseMirror(text, nameOf("REGISTRY_MIRRORS"))),
    ),
    enforcement: reader.oneOf("ENFORCEMENT", ENFORCEMENTS, "Deny"),
    docsUrl: parseDocsUrl(reader.optional("DOCS_URL") ?? DEFAULT_DOCS_URL, nameOf("DOCS_URL")),
    registryCaPem: readCaFile(reader.optional("REGISTRY_CA_FILE"), nameOf("REGISTRY_CA_FILE")),
    registryPullSecretFiles: reader.list("REGISTRY_PULL_SECRET_FILES"),
    identities: identityLists({
      platformGroups: reader.list("PLATFORM_GROUPS"),
      platformNamespaces: reader.list("PLATFORM_SERVICE_ACCOUNT_NAMESPACES"),
      controllerNamespaces: reader.list("CONTROLLER_NAMESPACES"),
    }),
    concurrency: reader.integer("CONCURRENCY", 4, 1, 64),
    drainSeconds: reader.integer("DRAIN_SECONDS", DEFAULT_DRAIN_SECONDS, 0, MAX_DRAIN_SECONDS),
    billingDrainSeconds: reader.integer("BILLING_DRAIN_SECONDS", BILLING.drainSeconds, 0, MAX_DRAIN_SECONDS),
    logLevel: reader.oneOf("LOG_LEVEL", LOG_LEVELS, "info"),
    kubeconfigPath: env.KUBECONFIG || undefined,
  };
}

function readCaFile(path: string | undefined, name: string): string | undefined {
  if (path === undefined) return undefined;
  try {
    const pem = readFileSync(path, "utf8");
    new X509Certificate(pem);
    return pem;
  } catch {
    throw new UsageError(`${name} must be a file with certificates in PEM`);
  }
}

/** The flags that were used, by the variable that each replaces. */
function parseFlags(args: string[]): Map<string, { flag: string; value: string }> {
  const options = Object.fromEntries(FLAGS.map(({ flag }) => [flag, { type: "string" as const }]));
  try {
    const { values } = parseArgs({ args, options, allowPositionals: false });
    return new Map(
      FLAGS.flatMap(({ flag, variable }) => {
        const value = values[flag];
        return typeof value === "string" ? [[variable, { flag: `--${flag}`, value }] as const] : [];
      }),
    );
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/** A flag also overrides the file that `NAME_FILE` names. */
function mergeFlags(given: ReadonlyMap<string, { value: string }>, env: Env): Env {
  const merged: Record<string, string | undefined> = { ...env };
  for (const [variable, { value }] of given) {
    merged[variable] = value;
    merged[`${variable}_FILE`] = undefined;
  }
  return merged;
}

function parseDocsUrl(text: string, name: string): string {
  if (!/^[!-~]{1,200}$/.test(text) || text.includes("#"))
    throw new UsageError(`${name} must be a URL or path of at most 200 characters, without #`);
  return text;
}

function parseMirror(text: string, name: string): [host: string, origin: string] {
  const equals = text.indexOf("=");
  const [host, origin] = [text.slice(0, equals), text.slice(equals + 1).replace(/\/$/, "")];
  if (equals < 1 || !["http:", "https:"].includes(URL.parse(origin)?.protocol ?? "")) {
    throw new UsageError(`${name} must be HOST=ORIGIN, for example registry.example=https://mirror.example`);
  }
  return [host, origin];
}

export function operatorHelp(): string {
  const rows = FLAGS.map(
    ({ flag, variable, fallback, description }) =>
      `  --${flag.padEnd(36)}${variable.padEnd(38)}${description} (${fallback})`,
  );
  return `Usage: catalyst operator [OPTIONS]

Runs the controllers, the admission webhook and the embedded voucher API in one process. With several replicas, all
serve and one leads. Connects to the cluster of the file that KUBECONFIG names, or else of its own Pod.

Options, each with its environment variable and default:
${rows.join("\n")}

Exit codes: 0 stopped by a signal, 1 failed, 2 wrong usage.
`;
}
