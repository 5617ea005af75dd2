import { type Static, type TProperties, type TSchema, Type } from "typebox";

// Builders for the structural schemas that the Kubernetes API server accepts: every node has a type, enums are strings,
// and there is no anyOf. Every string and list has a bound, because CEL rules over unbounded ones exceed the cost budget.

/** A CEL rule for `x-kubernetes-validations`. The message names the field, the rule and the remedy. */
export interface CelRule {
  rule: string;
  message: string;
  fieldPath?: string;
}

/** The rule of a field that keeps its first value. `remedy` is what a user does instead of a change. */
export const immutable = (field: string, remedy: string): CelRule => ({
  rule: "self == oldSelf",
  message: `${field} is immutable: ${remedy}`,
});

interface NodeOptions {
  description: string;
  rules?: CelRule[];
}

interface TextOptions extends NodeOptions {
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  default?: string;
}

const withRules = <T extends NodeOptions>({ rules, ...rest }: T) => ({
  ...rest,
  ...(rules === undefined ? {} : { "x-kubernetes-validations": rules }),
});

export const DNS_LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
export const DNS_SUBDOMAIN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/** `repository@sha256:<64 hex>`, with no tag. */
export const PINNED_IMAGE = "^[a-z0-9]([-a-z0-9._/]|:[0-9]+/)*@sha256:[a-f0-9]{64}$";
/** The largest price of one item. A double still holds a sum of many such prices exactly. */
const MAX_PRICE_BAISA = 1_000_000_000_000;
export const FINGERPRINT = "^sha256:[a-f0-9]{64}$";

const OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
/** Checks IPv4 in full. Of IPv6 it checks only the characters; billing parses the address. */
export const ADDRESS_OR_CIDR = `^(${OCTET}(\\.${OCTET}){3}(/(3[0-2]|[12]?[0-9]))?|[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$`;

export const text = (options: TextOptions) =>
  Type.String({ minLength: 1, maxLength: 256, ...withRules(options) });

/** The name of another object. */
export const objectName = (description: string, rules?: CelRule[]) =>
  text({ description, maxLength: 253, pattern: DNS_SUBDOMAIN, ...(rules === undefined ? {} : { rules }) });

export const wholeNumber = (
  options: NodeOptions & { minimum: number; maximum: number; default?: number; format?: "int32" | "int64" },
) => Type.Integer({ format: "int64", ...withRules(options) });

/** In thousandths of the Sovereign's currency. */
export const price = (description: string) =>
  wholeNumber({ description, minimum: 0, maximum: MAX_PRICE_BAISA });

export const httpsUrl = (description: string) =>
  text({ description, maxLength: 2048, pattern: "^https://[^\\s]+$" });

export const flag = (description: string, fallback?: boolean) =>
  Type.Boolean({ description, ...(fallback === undefined ? {} : { default: fallback }) });

export function oneOf<const Value extends string>(
  values: readonly Value[],
  options: NodeOptions & { default?: NoInfer<Value> },
) {
  return Type.Unsafe<Value>({ type: "string", enum: [...values], ...withRules(options) });
}

/** A whole number or a percentage, like `maxUnavailable` of a Deployment. */
export const intOrPercentage = (options: NodeOptions & { default?: number | string }) =>
  Type.Unsafe<number | string>({
    "x-kubernetes-int-or-string": true,
    minimum: 0,
    pattern: "^(100|[1-9]?[0-9])%$",
    maxLength: 4,
    ...withRules(options),
  });

/** A Go duration of hours, minutes and seconds: `90s`, `15m`, `1h30m`. */
export const duration = (options: NodeOptions & { default?: string }) =>
  text({ maxLength: 32, pattern: "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$", ...options });

/** An amount as Kubernetes writes it: `500m` cores, `8Gi` bytes. */
export const quantity = (options: NodeOptions & { default?: string }) =>
  text({ maxLength: 32, pattern: "^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$", ...options });

export const time = (description: string) => Type.String({ description, format: "date-time" });

export const object = <Properties extends TProperties>(
  properties: Properties,
  options: NodeOptions & { default?: object },
) => Type.Object(properties, withRules(options));

export const list = <Item extends TSchema>(
  item: Item,
  options: NodeOptions & { maxItems: number; minItems?: number; default?: Static<Item>[] },
) => Type.Array(item, { "x-kubernetes-list-type": "atomic", ...withRules(options) });

/** A list of unique values. Server-side apply tracks the owner of each item. */
export const set = <Item extends TSchema>(
  item: Item,
  options: NodeOptions & { maxItems: number; minItems?: number; default?: Static<Item>[] },
) => Type.Array(item, { "x-kubernetes-list-type": "set", ...withRules(options) });

/** A list whose items are identified by `keys`. Server-side apply tracks the owner of each item. */
export const listMap = <Item extends TSchema>(
  item: Item,
  keys: string[],
  options: NodeOptions & { maxItems: number; minItems?: number },
) =>
  Type.Array(item, {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": keys,
    ...withRules(options),
  });

/** Labels or annotations, each value of at most `maxLength` characters. */
export const stringMap = ({
  maxLength = 4096,
  ...options
}: NodeOptions & { maxProperties: number; maxLength?: number }) =>
  Type.Unsafe<Record<string, string>>({
    type: "object",
    additionalProperties: { type: "string", maxLength },
    ...withRules(options),
  });

const objectKey = (description: string, fallback: string) =>
  text({ description, maxLength: 253, pattern: "^[-._a-zA-Z0-9]+$", default: fallback });

/** A reference to a key of a Secret, in the namespace that the description names. */
export const secretRef = (description: string, defaultKey: string) =>
  object(
    {
      name: objectName("Name of the Secret."),
      key: objectKey("Key in the Secret.", defaultKey),
    },
    { description },
  );

/** A reference to a key of a ConfigMap or a Secret, as Gateway API's `caCertificateRefs` has it. */
export const certificateRef = (description: string, defaultKey: string) =>
  object(
    {
      kind: oneOf(["ConfigMap", "Secret"], {
        description: "Kind of the object: ConfigMap or Secret.",
        default: "ConfigMap",
      }),
      name: objectName("Name of the object."),
      key: objectKey("Key in the object.", defaultKey),
    },
    { description },
  );

export { type Static, Type } from "typebox";
