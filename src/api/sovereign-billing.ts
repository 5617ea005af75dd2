import { CURRENCIES } from "./currency.ts";
import { POD_SETTINGS } from "./pod-setting.ts";
import {
  ADDRESS_OR_CIDR,
  certificateRef,
  DNS_SUBDOMAIN,
  duration,
  object,
  objectName,
  oneOf,
  quantity,
  secretRef,
  set,
  Type,
  text,
  time,
  wholeNumber,
} from "./schema.ts";

const resourceList = (description: string) =>
  Type.Optional(
    object(
      {
        cpu: Type.Optional(quantity({ description: "CPU cores, for example `500m`." })),
        memory: Type.Optional(quantity({ description: "Bytes, for example `256Mi`." })),
      },
      { description },
    ),
  );

const AuthSchema = object(
  {
    issuer: Type.Optional(
      text({
        description: "URL of the Sovereign's OIDC issuer. It must equal the `iss` of its tokens.",
        maxLength: 512,
        pattern: "^https?://[^\\s]+$",
      }),
    ),
    audience: Type.Optional(text({ description: "The `aud` of tokens for this Sovereign.", maxLength: 256 })),
    caCertificateRef: Type.Optional(
      certificateRef(
        "The authorities of the issuer's TLS certificate, in PEM: a key of a ConfigMap or a Secret in the Sovereign's namespace. They replace the public authorities. A change counts without a restart. Absent: the public authorities.",
        "ca.crt",
      ),
    ),
    clientId: Type.Optional(
      text({
        description:
          "Public OIDC client (PKCE) with which the administrators' page signs in. Absent: the page accepts only a token.",
        maxLength: 256,
      }),
    ),
    secretRef: Type.Optional(
      secretRef(
        "The Secret with the legacy HS256 key (at least 32 bytes), in the Sovereign's namespace.",
        "secret",
      ),
    ),
  },
  {
    description:
      "How billing verifies tokens: by an OIDC issuer, by a legacy HS256 key, or by both during a migration.",
    rules: [
      {
        rule: "has(self.issuer) == has(self.audience)",
        message: "auth.issuer and auth.audience need each other: set both, or neither",
      },
      {
        rule: "!has(self.clientId) || has(self.issuer)",
        message: "auth.clientId needs an issuer: set auth.issuer and auth.audience too",
      },
      {
        rule: "!has(self.caCertificateRef) || (has(self.issuer) && self.issuer.startsWith('https://'))",
        message: "auth.caCertificateRef needs an auth.issuer that begins with https://: set both, or neither",
      },
      {
        rule: "has(self.issuer) || has(self.secretRef)",
        message: "billing needs a way to verify tokens: set auth.issuer and auth.audience, or auth.secretRef",
      },
    ],
  },
);

const IngressSchema = object(
  {
    host: text({ description: "Host name of the Ingress.", maxLength: 253, pattern: DNS_SUBDOMAIN }),
    className: Type.Optional(objectName("Name of the IngressClass.")),
    tlsSecretName: Type.Optional(
      objectName("Name of the Secret with the host's certificate, in the Sovereign's namespace."),
    ),
    rateLimitPerSecond: Type.Optional(
      wholeNumber({
        description: "How many requests per second one client may send.",
        minimum: 1,
        maximum: 100_000,
      }),
    ),
    trustedProxies: Type.Optional(
      set(text({ description: "An address or a CIDR.", maxLength: 49, pattern: ADDRESS_OR_CIDR }), {
        description:
          "Proxies whose `X-Forwarded-For` billing uses: the addresses of the Ingress controller's Pods and of load balancers before them. Absent: billing uses none, and all visitors behind one proxy share one rate limit.",
        maxItems: 32,
      }),
    ),
  },
  { description: "The Ingress of the voucher API. Absent: the API is reachable only inside the cluster." },
);

const perMinute = (description: string) =>
  Type.Optional(wholeNumber({ description, minimum: 0, maximum: 1_000_000, format: "int32" }));

const LimitsSchema = object(
  {
    previewsPerMinute: perMinute(
      "How many vouchers one client may look up in a minute. Clients behind one address share it; signed-in users are counted by user. 0 = no limit. Absent: 60.",
    ),
    missesPerMinute: perMinute(
      "How many of these lookups may find no voucher. After them, every lookup of the client is refused until the minute ends. 0 = no limit. Absent: 10.",
    ),
    issuesPerMinute: perMinute(
      "How many vouchers one user may issue in a minute. A bulk issue counts as one for each 1,000 codes. 0 = no limit. Absent: 120.",
    ),
  },
  {
    description:
      "Limits of the voucher API, for each Pod. Raise the first two where many customers share an address, as behind a carrier's NAT.",
  },
);

/** How long the operator waits before it calls a Sovereign stalled. */
export const DEADLINE_DEFAULT = { migration: "15m", rollout: "10m", ready: "30m" } as const;

const deadline = (which: keyof typeof DEADLINE_DEFAULT, description: string) =>
  Type.Optional(
    duration({ description: `${description} 0s = no deadline. Absent: ${DEADLINE_DEFAULT[which]}.` }),
  );

const DeadlinesSchema = object(
  {
    migration: deadline("migration", "How long the migration Job may take."),
    rollout: deadline("rollout", "How long the Pods may take to become available on another image."),
    ready: deadline("ready", "How long the Sovereign may take in all to become Ready."),
  },
  {
    description:
      "When a wait becomes a failure: the Sovereign is then Stalled, and a rollout of its BillingRelease halts. The clock starts again with another spec or another image. What ends late still counts.",
  },
);

export const BillingSchema = object(
  {
    release: objectName("Name of the BillingRelease that pins the image."),
    hold: Type.Optional(
      object(
        {
          reason: text({ description: "Why, for the people who read the rollout's status.", maxLength: 256 }),
          until: time("When the hold ends. The Sovereign then takes the release that is due."),
        },
        {
          description:
            "Keeps the Sovereign on the image that it runs while its release moves on. A Sovereign that already takes the image completes its update.",
        },
      ),
    ),
    replicas: wholeNumber({
      description: "Number of billing Pods.",
      minimum: 2,
      maximum: 50,
      default: 2,
      format: "int32",
    }),
    resources: Type.Optional(
      object(
        {
          requests: resourceList("Resources that are reserved."),
          limits: resourceList("Resources that a Pod may not exceed."),
        },
        { description: "Resources of each billing Pod." },
      ),
    ),
    ...POD_SETTINGS,
    database: object(
      {
        secretRef: secretRef("The Secret with the Postgres URL, in the Sovereign's namespace.", "uri"),
        migrationSecretRef: Type.Optional(
          secretRef(
            "The Secret with the Postgres URL of the role that migrates and owns the tables: another key of the same Secret, or another Secret in the Sovereign's namespace. Only the migration Job uses it. The role of `secretRef` then serves, and cannot alter or empty the books. Absent: the role of `secretRef` does both.",
            "migrationUri",
          ),
        ),
      },
      { description: "The Sovereign's own billing database." },
    ),
    auth: AuthSchema,
    currency: oneOf(CURRENCIES, {
      description:
        "ISO 4217 code of the currency in which the Sovereign sells. Credit, grants and prices are in it. Amounts in baisa are its thousandths.",
      default: "OMR",
    }),
    ingress: Type.Optional(IngressSchema),
    limits: Type.Optional(LimitsSchema),
    deadlines: Type.Optional(DeadlinesSchema),
    events: Type.Optional(
      object(
        {
          brokers: Type.Array(
            text({
              description: "A broker, as host:port. An IPv6 address is in brackets.",
              maxLength: 300,
              pattern: "^([^\\s,:\\[\\]]+|\\[[0-9a-fA-F:.]+\\]):[0-9]{1,5}$",
            }),
            {
              minItems: 1,
              maxItems: 20,
              description: "Kafka or Redpanda brokers with the platform's topics.",
            },
          ),
        },
        {
          description:
            "Brokers to which billing publishes order events, in addition to Organizations. Absent: billing publishes none.",
        },
      ),
    ),
    payments: Type.Optional(
      object(
        {
          secretRef: object(
            { name: objectName("Name of the Secret.") },
            {
              description:
                "The Secret with Stripe's `secret-key`, `webhook-secret` and `public-key`, in the Sovereign's namespace.",
            },
          ),
        },
        {
          description:
            "Card payments through Stripe. Absent: the keys of PUT /billing/admin/settings count. Without these too, customers can order only what their credit covers.",
        },
      ),
    ),
  },
  { description: "The billing service of this Sovereign." },
);
