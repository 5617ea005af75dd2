import { BILLING, PAYMENT_KEYS } from "../../api/name.ts";
import type { Sovereign } from "../../api/sovereign.ts";

/**
 * The security context that the restricted Pod security standard requires of a container; desired-pod-setting.ts has the
 * Pod's part.
 */
export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

export interface EnvVariable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string; optional?: boolean } };
}

export const plain = (name: string, value: string): EnvVariable => ({ name, value });

/** A reference to a Secret, so that no manifest contains its value. */
const fromSecret = (name: string, secret: { name: string; key: string }): EnvVariable => ({
  name,
  valueFrom: { secretKeyRef: { name: secret.name, key: secret.key } },
});

const databaseVariable = (sovereign: Sovereign): EnvVariable =>
  fromSecret("DATABASE_URL", sovereign.spec.billing.database.secretRef);

/** With `migrationSecretRef`, the Job migrates as the owner of the tables, and gives the serving role its rights. */
export function migrationVariables(sovereign: Sovereign): EnvVariable[] {
  const { secretRef, migrationSecretRef } = sovereign.spec.billing.database;
  return migrationSecretRef === undefined
    ? [databaseVariable(sovereign)]
    : [fromSecret("DATABASE_URL", migrationSecretRef), fromSecret("SERVING_DATABASE_URL", secretRef)];
}

const configFile = (name: string) => `${BILLING.configPath}/${name}`;

/** The environment of `catalyst billing`, which its `--help` describes. */
export function billingEnvironment(
  sovereign: Sovereign,
  drainSeconds: number = BILLING.drainSeconds,
): EnvVariable[] {
  const { fqdn, billing } = sovereign.spec;
  const payments = billing.payments?.secretRef;
  const trustedProxies = billing.ingress?.trustedProxies ?? [];
  const { issuer, audience, caCertificateRef, clientId, secretRef } = billing.auth;
  return [
    plain("PORT", String(BILLING.port)),
    plain("DRAIN_SECONDS", String(drainSeconds)),
    plain("SOVEREIGN_FQDN", fqdn),
    databaseVariable(sovereign),
    ...(issuer === undefined || audience === undefined
      ? []
      : [plain("OIDC_ISSUER", issuer), plain("OIDC_AUDIENCE", audience)]),
    ...(caCertificateRef === undefined ? [] : [plain("OIDC_CA_FILE", configFile(BILLING.issuerCaFile))]),
    ...(clientId === undefined ? [] : [plain("OIDC_CLIENT_ID", clientId)]),
    ...(secretRef === undefined ? [] : [fromSecret("JWT_SECRET", secretRef)]),
    plain("CURRENCY", billing.currency),
    ...(billing.events === undefined ? [] : [plain("REDPANDA_BROKERS", billing.events.brokers.join(","))]),
    ...(trustedProxies.length === 0 ? [] : [plain("TRUSTED_PROXIES", trustedProxies.join(","))]),
    ...limitVariables(billing.limits),
    ...(payments === undefined ? [] : paymentVariables(payments.name)),
    plain("OPERATOR_JWKS_FILE", configFile("operator-jwks.json")),
    plain("CATALOG_FILE", configFile("catalog.json")),
    plain("BRANDING_FILE", configFile("branding.json")),
    plain("GRANTS_FILE", configFile("grants.json")),
    plain("ORDER_NOTICE_FILE", configFile("order-notice.json")),
  ];
}

/** Only the limits that the manifest sets. Billing has defaults for the others. */
function limitVariables(limits: Sovereign["spec"]["billing"]["limits"] = {}): EnvVariable[] {
  const variables: [name: string, perMinute: number | undefined][] = [
    ["PREVIEW_LIMIT", limits.previewsPerMinute],
    ["PREVIEW_MISS_LIMIT", limits.missesPerMinute],
    ["ISSUE_LIMIT", limits.issuesPerMinute],
  ];
  return variables.flatMap(([name, perMinute]) =>
    perMinute === undefined ? [] : [plain(name, String(perMinute))],
  );
}

/** Stripe's keys. The description of `payments.secretRef` lists their names in the Secret. */
const paymentVariables = (name: string): EnvVariable[] => [
  fromSecret("STRIPE_SECRET_KEY", { name, key: PAYMENT_KEYS.secretKey }),
  fromSecret("STRIPE_WEBHOOK_SECRET", { name, key: PAYMENT_KEYS.webhookSecret }),
  {
    name: "STRIPE_PUBLIC_KEY",
    valueFrom: { secretKeyRef: { name, key: PAYMENT_KEYS.publicKey, optional: true } },
  },
];
