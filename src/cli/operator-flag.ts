import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { DEFAULT_PLATFORM } from "../admission/rules/input.ts";
import { BILLING } from "../api/name.ts";
import type { OperatorSettings } from "../operator/settings.ts";
import { createEnvReader, type Env } from "../platform/env.ts";
import { UsageError } from "../platform/errors.ts";

/** A flag, what stands in for it, and its default, as `--help` and docs/operator-flags.md show them. */
export interface FlagDescription {
  flag: string;
  variable: string;
  /** Where the chart sets it; undefined: the chart's own wiring does. */
  chartValue: string | undefined;
  fallback: string;
  description: string;
}

/** Endpoints, kube-proxies and load balancers have heard of it by then. */
const DEFAULT_DRAIN_SECONDS = 10;
const MAX_DRAIN_SECONDS = 300;

export const FLAGS: readonly FlagDescription[] = [
  {
    flag: "identity",
    variable: "POD_NAME",
    chartValue: undefined,
    fallback: "the host's name and process number",
    description: "name in the leader election",
  },
  {
    flag: "host",
    variable: "HOST",
    chartValue: undefined,
    fallback: "0.0.0.0",
    description: "address to listen on",
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
    description: "https URL by which the API server reaches the webhook",
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
    fallback: "the CatalystZero one",
    description: "Sovereign whose vouchers the embedded API serves",
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
    description: "HOST=ORIGIN, comma-separated: where registries are asked instead",
  },
  {
    flag: "platform-groups",
    variable: "PLATFORM_GROUPS",
    chartValue: "platform.groups",
    fallback: DEFAULT_PLATFORM.groups.join(","),
    description: "groups that are the platform",
  },
  {
    flag: "platform-service-account-namespaces",
    variable: "PLATFORM_SERVICE_ACCOUNT_NAMESPACES",
    chartValue: "platform.serviceAccountNamespaces",
    fallback: DEFAULT_PLATFORM.serviceAccountNamespaces.join(","),
    description: "namespaces whose ServiceAccounts are the platform",
  },
  {
    flag: "concurrency",
    variable: "CONCURRENCY",
    chartValue: "concurrency",
    fallback: "4",
    description: "objects of one kind that are reconciled at once",
  },
  {
    flag: "drain-seconds",
    variable: "DRAIN_SECONDS",
    chartValue: "drainSeconds",
    fallback: String(DEFAULT_DRAIN_SECONDS),
    description: "time to go on serving after SIGTERM, already unready",
  },
  {
    flag: "billing-drain-seconds",
    variable: "BILLING_DRAIN_SECONDS",
    chartValue: "billing.drainSeconds",
    fallback: String(BILLING.drainSeconds),
    description: "the same of the billing Pods that it deploys",
  },
  {
    flag: "log-level",
    variable: "LOG_LEVEL",
    chartValue: "logLevel",
    fallback: "info",
    description: "trace, debug, info, warn, error",
  },
];

/** Flags win over variables. Throws `UsageError`. */
export function readOperatorSettings(args: string[], env: Env): OperatorSettings {
  const reader = createEnvReader(mergeFlags(args, env));
  const port = (name: string, fallback: number) => reader.integer(name, fallback, 0, 65_535);
  const list = (name: string, fallback: readonly string[]) =>
    reader.optional(name) === undefined ? fallback : reader.list(name);
  const webhookUrl = reader.optional("WEBHOOK_URL")?.replace(/\/$/, "");
  if (webhookUrl !== undefined && URL.parse(webhookUrl)?.protocol !== "https:") {
    throw new UsageError("--webhook-url (WEBHOOK_URL) must be an https URL");
  }
  return {
    identity: reader.optional("POD_NAME") ?? `${hostname()}_${process.pid}`,
    host: reader.optional("HOST") ?? "0.0.0.0",
    webhookPort: port("WEBHOOK_PORT", 9443),
    webhookUrl,
    voucherApiPort: port("VOUCHER_API_PORT", 8085),
    voucherApiSovereign: reader.optional("VOUCHER_API_SOVEREIGN"),
    httpPort: port("HTTP_PORT", 8080),
    registryMirrors: new Map(reader.list("REGISTRY_MIRRORS").map(parseMirror)),
    platform: {
      groups: list("PLATFORM_GROUPS", DEFAULT_PLATFORM.groups),
      serviceAccountNamespaces: list(
        "PLATFORM_SERVICE_ACCOUNT_NAMESPACES",
        DEFAULT_PLATFORM.serviceAccountNamespaces,
      ),
    },
    concurrency: reader.integer("CONCURRENCY", 4, 1, 64),
    drainSeconds: reader.integer("DRAIN_SECONDS", DEFAULT_DRAIN_SECONDS, 0, MAX_DRAIN_SECONDS),
    billingDrainSeconds: reader.integer("BILLING_DRAIN_SECONDS", BILLING.drainSeconds, 0, MAX_DRAIN_SECONDS),
    logLevel: reader.optional("LOG_LEVEL") ?? "info",
    kubeconfigPath: env.KUBECONFIG || undefined,
  };
}

function mergeFlags(args: string[], env: Env): Env {
  const options = Object.fromEntries(FLAGS.map(({ flag }) => [flag, { type: "string" as const }]));
  try {
    const { values } = parseArgs({ args, options, allowPositionals: false });
    const given = FLAGS.flatMap(({ flag, variable }) =>
      values[flag] === undefined ? [] : [[variable, String(values[flag])]],
    );
    return { ...env, ...Object.fromEntries(given) };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function parseMirror(text: string): [host: string, origin: string] {
  const equals = text.indexOf("=");
  const [host, origin] = [text.slice(0, equals), text.slice(equals + 1).replace(/\/$/, "")];
  if (equals < 1 || !["http:", "https:"].includes(URL.parse(origin)?.protocol ?? "")) {
    throw new UsageError(
      "--registry-mirrors (REGISTRY_MIRRORS) takes HOST=ORIGIN, as registry.example=https://mirror.example",
    );
  }
  return [host, origin];
}

export function operatorHelp(): string {
  const rows = FLAGS.map(
    ({ flag, variable, fallback, description }) =>
      `  --${flag.padEnd(36)}${variable.padEnd(38)}${description} (${fallback})`,
  );
  return `Usage: catalyst operator [OPTIONS]

Controllers, admission webhook and embedded voucher API in one process. Several may run: one leads, all serve.
In a Pod it uses the Pod's ServiceAccount; elsewhere KUBECONFIG.

Options, each with its environment variable and default:
${rows.join("\n")}

Exit codes: 0 stopped by a signal, 1 failed, 2 wrong usage.
`;
}
