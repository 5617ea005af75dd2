import {
  DNS_LABEL,
  DNS_SUBDOMAIN,
  httpsUrl,
  listMap,
  object,
  price,
  type Static,
  Type,
  text,
} from "./schema.ts";

const PriceSchema = object(
  {
    id: text({
      description: "Id of the plan or add-on. A checkout names it as `plan_id` or in `addons`.",
      maxLength: 63,
      pattern: DNS_LABEL,
    }),
    name: text({ description: "Name that customers see.", maxLength: 128 }),
    priceBaisa: price("Price per month, in thousandths of the Sovereign's currency (baisa of OMR)."),
  },
  { description: "A plan or add-on that customers pay for each month." },
);

const BrandingSchema = object(
  {
    displayName: Type.Optional(text({ description: "Name that customers see.", maxLength: 128 })),
    logo: Type.Optional(httpsUrl("URL of the logo.")),
    colour: Type.Optional(
      text({ description: "Primary colour.", maxLength: 7, pattern: "^#[0-9a-fA-F]{6}$" }),
    ),
    hostname: Type.Optional(
      text({ description: "Host name of the marketplace.", maxLength: 253, pattern: DNS_SUBDOMAIN }),
    ),
    helpUrl: Type.Optional(
      text({
        description: "Address where customers find help: https or mailto. The redeem page links to it.",
        maxLength: 2048,
        pattern: "^(https://|mailto:)[^\\s\"'<>]+$",
      }),
    ),
    keycloakTheme: Type.Optional(
      text({ description: "Login theme in Keycloak.", maxLength: 63, pattern: DNS_LABEL }),
    ),
  },
  { description: "How the Sovereign looks. Its Franchisee may set it if the Franchise grants branding." },
);

/** The fields of a Sovereign that its Franchisee may set. */
export const OFFER_FIELDS = {
  branding: Type.Optional(BrandingSchema),
  tiers: Type.Optional(
    listMap(PriceSchema, ["id"], { description: "Plans that customers can order.", maxItems: 64 }),
  ),
  addons: Type.Optional(
    listMap(PriceSchema, ["id"], {
      description: "Add-ons that customers can order with a plan.",
      maxItems: 256,
    }),
  ),
};

export type Price = Static<typeof PriceSchema>;
