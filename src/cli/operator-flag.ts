import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { ENFORCEMENTS } from "../admission/enforcement.ts";
import { DEFAULT_DOCS_URL } from "../admission/rules/denial-link.ts";
import { INLINE_DRIVERS } from "../admission/rules/pod-isolation.ts";
import { BILLING } from "../api/name.ts";
import type { OperatorSettings } from "../operator/settings.ts";
import { createEnvReader, type Env } from "../platform/env.ts";
import { UsageError } from "../platform/errors.ts";
import { LOG_LEVELS } from "../platform/log.ts";
import { type Flag, parseCommandLine } from "./flag.ts";
import { readIdentityLists } from "./identity-flag.ts";
import { DEFAULT_DRAIN_SECONDS, DEFAULT_OPERATOR_URL, FLAGS } from "./operator-flag-list.ts";

const MAX_DRAIN_SECONDS = 300;

/** Flags have no default of their own, because an absent flag takes its variable's value. */
export const OPERATOR_FLAGS: readonly Flag[] = FLAGS.map(({ flag, variable, fallback, description }) => ({
  name: flag,
  value: "VALUE",
  description: `${variable}: ${description} (${fallback})`,
}));

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
  const webhookCertDir = reader.optional("WEBHOOK_CERT_DIR");
  const webhookCertSecret = parseSecretName(
    reader.optional("WEBHOOK_CERT_SECRET"),
    nameOf("WEBHOOK_CERT_SECRET"),
  );
  if (webhookCertDir !== undefined && webhookCertSecret !== undefined)
    throw new UsageError(
      `${nameOf("WEBHOOK_CERT_DIR")} and ${nameOf("WEBHOOK_CERT_SECRET")} both name the certificate: use one of them`,
    );
  return {
    identity: reader.optional("POD_NAME") ?? `${hostname()}_${process.pid}`,
    host: reader.optional("HOST"),
    webhookPort: port("WEBHOOK_PORT", 9443),
    webhookUrl,
    webhookCertDir,
    webhookCertSecret,
    webhookClientCaFile: reader.optional("WEBHOOK_CLIENT_CA"),
    webhookClientNames: reader.list("WEBHOOK_CLIENT_NAMES"),
    voucherApiPort: port("VOUCHER_API_PORT", 8085),
    voucherApiSovereign: reader.optional("VOUCHER_API_SOVEREIGN"),
    operatorUrl: (reader.httpUrl("OPERATOR_URL") ?? DEFAULT_OPERATOR_URL).replace(/\/$/, ""),
    httpPort: port("HTTP_PORT", 8080),
    registryMirrors: new Map(
      reader.list("REGISTRY_MIRRORS").map((text) => parseMirror(text, nameOf("REGISTRY_MIRRORS"))),
    ),
    enforcement: reader.oneOf("ENFORCEMENT", ENFORCEMENTS, "Deny"),
    docsUrl: parseDocsUrl(reader.optional("DOCS_URL") ?? DEFAULT_DOCS_URL, nameOf("DOCS_URL")),
    registryCaPem: readCaFile(reader.optional("REGISTRY_CA_FILE"), nameOf("REGISTRY_CA_FILE")),
    registryPullSecretFiles: reader.list("REGISTRY_PULL_SECRET_FILES"),
    identities: readIdentityLists(reader),
    inlineDrivers: [...INLINE_DRIVERS, ...reader.list("INLINE_VOLUME_DRIVERS")],
    concurrency: reader.integer("CONCURRENCY", 4, 1, 64),
    drainSeconds: reader.integer("DRAIN_SECONDS", DEFAULT_DRAIN_SECONDS, 0, MAX_DRAIN_SECONDS),
    billingDrainSeconds: reader.integer("BILLING_DRAIN_SECONDS", BILLING.drainSeconds, 0, MAX_DRAIN_SECONDS),
    logLevel: reader.oneOf("LOG_LEVEL", LOG_LEVELS, "info"),
    kubeconfigPath: env.KUBECONFIG || undefined,
  };
}

function parseSecretName(text: string | undefined, name: string): OperatorSettings["webhookCertSecret"] {
  if (text === undefined) return undefined;
  const [, namespace, secret] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (namespace === undefined || secret === undefined)
    throw new UsageError(`${name} must be NAMESPACE/NAME, for example cert-manager/catalyst-webhook`);
  return { namespace, name: secret };
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

/** The given flags, keyed by the variable that each overrides. */
function parseFlags(args: string[]): Map<string, { flag: string; value: string }> {
  const { values } = parseCommandLine(OPERATOR_FLAGS, args);
  return new Map(
    FLAGS.flatMap(({ flag, variable }) => {
      const value = values[flag];
      return typeof value === "string" ? [[variable, { flag: `--${flag}`, value }] as const] : [];
    }),
  );
}

/** Overrides variables by flags. A flag also overrides the file that `NAME_FILE` names. */
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
