import { isIPv6 } from "node:net";
import type { EnvReader } from "../platform/env.ts";
import { UsageError } from "../platform/errors.ts";
import type { TokenSettings } from "./auth/token.ts";
import type { PreviewLimits } from "./http/limit/preview-limiter.ts";
import { type PaymentConfiguration, readPaymentConfiguration } from "./payment/configuration.ts";

/** The settings of a billing service. Files are paths here: the service opens and watches them. */
export interface BillingSettings {
  databaseUrl: string;
  sovereignFqdn: string;
  token: TokenSettings;
  /** The file with the authorities of the issuer's certificate. Absent: the public authorities. */
  issuerCaFile: string | undefined;
  operatorJwksFile: string | undefined;
  catalogUrl: string | undefined;
  catalogFile: string | undefined;
  brandingFile: string | undefined;
  grantsFile: string | undefined;
  /** The file with the operator's address for notices of orders. Absent: none are sent. */
  orderNoticeFile: string | undefined;
  tenantUrl: string | undefined;
  /** `host` or `host:port` of each broker. Empty: no events are sent or received. */
  redpandaBrokers: string[];
  /** The public client for sign-in on /admin. Absent: administrators paste a token. */
  adminSignIn: { issuer: string; clientId: string } | undefined;
  corsOrigins: string[];
  trustedProxies: string[];
  previewLimits: PreviewLimits;
  /** Issued vouchers per user and minute; 0 = no limit. */
  issueLimit: number;
  maxConnections: number;
  payment: PaymentConfiguration;
}

/** Two per second: more than a person can click. */
const DEFAULT_ISSUE_LIMIT = 120;

/** Reads the environment of `catalyst billing`, as its `--help` lists it. Throws `UsageError` that names the variable. */
export function readBillingSettings(reader: EnvReader): BillingSettings {
  const sovereignFqdn = reader.required("SOVEREIGN_FQDN");
  const jwtSecret = reader.key("JWT_SECRET");
  const issuer = reader.optional("OIDC_ISSUER");
  const audience = reader.optional("OIDC_AUDIENCE");
  const jwksUrl = reader.optional("OIDC_JWKS_URL");
  if ((issuer === undefined) !== (audience === undefined)) {
    throw new UsageError("OIDC_ISSUER and OIDC_AUDIENCE must be set together: set both, or neither");
  }
  const operatorJwksFile = reader.optional("OPERATOR_JWKS_FILE");
  if (jwtSecret === undefined && issuer === undefined && operatorJwksFile === undefined) {
    throw new UsageError(
      "no token can be verified: set OIDC_ISSUER and OIDC_AUDIENCE, JWT_SECRET, or OPERATOR_JWKS_FILE",
    );
  }
  const issuerCaFile = reader.optional("OIDC_CA_FILE");
  if (issuerCaFile !== undefined && issuer === undefined)
    throw new UsageError("OIDC_CA_FILE requires OIDC_ISSUER: set both, or leave OIDC_CA_FILE out");
  const clientId = reader.optional("OIDC_CLIENT_ID");
  if (clientId !== undefined && issuer === undefined)
    throw new UsageError("OIDC_CLIENT_ID requires OIDC_ISSUER: set both, or leave OIDC_CLIENT_ID out");
  const catalogUrl = reader.optional("CATALOG_URL");
  const catalogFile = reader.optional("CATALOG_FILE");
  if (catalogUrl !== undefined && catalogFile !== undefined)
    throw new UsageError("CATALOG_URL and CATALOG_FILE are both set: keep one");
  return {
    databaseUrl: reader.databaseUrl(),
    sovereignFqdn,
    token: {
      sovereignFqdn,
      ...(jwtSecret === undefined ? {} : { jwtSecret }),
      ...(issuer === undefined || audience === undefined
        ? {}
        : {
            oidc: {
              issuer,
              audience,
              ...(jwksUrl === undefined ? {} : { jwksUrl: reader.httpUrl("OIDC_JWKS_URL") ?? jwksUrl }),
            },
          }),
    },
    issuerCaFile,
    operatorJwksFile,
    catalogUrl: reader.httpUrl("CATALOG_URL"),
    catalogFile,
    brandingFile: reader.optional("BRANDING_FILE"),
    grantsFile: reader.optional("GRANTS_FILE"),
    orderNoticeFile: reader.optional("ORDER_NOTICE_FILE"),
    tenantUrl: reader.httpUrl("TENANT_URL"),
    adminSignIn:
      clientId === undefined || issuer === undefined
        ? undefined
        : { issuer: reader.httpUrl("OIDC_ISSUER") ?? issuer, clientId },
    corsOrigins: reader.list("CORS_ORIGIN"),
    trustedProxies: reader.list("TRUSTED_PROXIES"),
    redpandaBrokers: readBrokers(reader),
    previewLimits: {
      perMinute: reader.integer("PREVIEW_LIMIT", 60),
      missesPerMinute: reader.integer("PREVIEW_MISS_LIMIT", 10),
    },
    issueLimit: reader.integer("ISSUE_LIMIT", DEFAULT_ISSUE_LIMIT),
    maxConnections: reader.integer("DATABASE_MAX_CONNECTIONS", 10, 1, 200),
    payment: readPaymentConfiguration(reader, { sovereignFqdn, jwtSecret }),
  };
}

function readBrokers(reader: EnvReader): string[] {
  const brokers = reader.list("REDPANDA_BROKERS");
  for (const broker of brokers) {
    const [, host, bracketed, port = "9092"] =
      /^(?:([\w.-]+)|\[([0-9a-fA-F:.]+)\])(?::(\d{1,5}))?$/.exec(broker) ?? [];
    const hasHost = host !== undefined || isIPv6(bracketed ?? "");
    if (!hasHost || Number(port) < 1 || Number(port) > 65_535)
      throw new UsageError(
        "REDPANDA_BROKERS must be a list of host:port, separated by commas, with IPv6 addresses in brackets",
      );
  }
  return brokers;
}
