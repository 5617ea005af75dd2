import {
  ADDRESS_OR_CIDR,
  DNS_SUBDOMAIN,
  object,
  objectName,
  secretRef,
  set,
  Type,
  text,
  wholeNumber,
} from "./schema.ts";

const quantity = (description: string) =>
  Type.Optional(text({ description, maxLength: 32, pattern: "^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$" }));

const resourceList = (description: string) =>
  Type.Optional(
    object({ cpu: quantity("Cores, as `500m`."), memory: quantity("Bytes, as `256Mi`.") }, { description }),
  );

const AuthSchema = object(
  {
    issuer: Type.Optional(
      text({
        description: "URL of the Sovereign's OIDC issuer, equal to `iss`.",
        maxLength: 512,
        pattern: "^https?://[^\\s]+$",
      }),
    ),
    audience: Type.Optional(
      text({ description: "The `aud` that tokens for this Sovereign carry.", maxLength: 256 }),
    ),
    clientId: Type.Optional(
      text({
        description:
          "Public OIDC client (PKCE) that the administrators' page signs in with. Absent: by token alone.",
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
      "Who may sign the tokens that billing takes: an OIDC issuer, a legacy HS256 key, or both for a while.",
    rules: [
      {
        rule: "has(self.issuer) == has(self.audience)",
        message: "issuer and audience go together: set both, or neither",
      },
      {
        rule: "!has(self.clientId) || has(self.issuer)",
        message: "clientId belongs to an issuer: set issuer and audience too",
      },
      {
        rule: "has(self.issuer) || has(self.secretRef)",
        message: "one way to sign in is required: set issuer and audience, or secretRef",
      },
    ],
  },
);

const IngressSchema = object(
  {
    host: text({ description: "Host name that the Ingress serves.", maxLength: 253, pattern: DNS_SUBDOMAIN }),
    className: Type.Optional(objectName("IngressClass.")),
    tlsSecretName: Type.Optional(
      objectName("Secret with the host's certificate, in the Sovereign's namespace."),
    ),
    rateLimitPerSecond: Type.Optional(
      wholeNumber({
        description: "Requests a second that one client may make.",
        minimum: 1,
        maximum: 100_000,
      }),
    ),
    trustedProxies: Type.Optional(
      set(text({ description: "An address or a CIDR.", maxLength: 49, pattern: ADDRESS_OR_CIDR }), {
        description:
          "Whose `X-Forwarded-For` is believed: the addresses of the Ingress controller's Pods and of balancers before it. Absent: nobody's, and all visitors that come through one proxy share its limits.",
        maxItems: 32,
      }),
    ),
  },
  { description: "How the voucher API is reached from outside. Absent: inside the cluster only." },
);

export const BillingSchema = object(
  {
    release: objectName("The BillingRelease that pins the image."),
    replicas: wholeNumber({
      description: "Billing Pods.",
      minimum: 2,
      maximum: 50,
      default: 2,
      format: "int32",
    }),
    resources: Type.Optional(
      object(
        { requests: resourceList("Reserved."), limits: resourceList("Never exceeded.") },
        { description: "Of each billing Pod." },
      ),
    ),
    database: object(
      { secretRef: secretRef("The Secret with the Postgres URL, in the Sovereign's namespace.", "uri") },
      { description: "The Sovereign's own billing database." },
    ),
    auth: AuthSchema,
    currency: text({
      description: "ISO 4217 code that prices are shown in.",
      maxLength: 3,
      pattern: "^[A-Z]{3}$",
      default: "OMR",
    }),
    ingress: Type.Optional(IngressSchema),
    events: Type.Optional(
      object(
        {
          brokers: Type.Array(
            text({ description: "host:port", maxLength: 300, pattern: "^[^\\s,:]+:[0-9]{1,5}$" }),
            { minItems: 1, maxItems: 20, description: "Kafka or Redpanda brokers of the platform's topics." },
          ),
        },
        { description: "Where orders are announced besides Organizations. Absent: nowhere." },
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
        { description: "Stripe. Absent: only what credit covers can be bought." },
      ),
    ),
  },
  { description: "The billing service of this Sovereign." },
);
