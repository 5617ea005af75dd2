import { identityLists } from "../../../src/admission/rules/identity.ts";
import { guardedNames } from "../../../src/admission/rules/place.ts";
import { desiredWebhookConfiguration } from "../../../src/admission/webhook-configuration.ts";

export interface Webhook {
  name: string;
  clientConfig: object;
  rules: {
    apiGroups: string[];
    apiVersions: string[];
    resources: string[];
    operations: string[];
    scope: string;
  }[];
  namespaceSelector?: object;
  matchConditions: { name: string; expression: string }[];
  [member: string]: unknown;
}

export const CA = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
export const configuration = (url?: string, lists = identityLists()) =>
  desiredWebhookConfiguration({ caBundle: CA, url }, lists) as ReturnType<
    typeof desiredWebhookConfiguration
  > & {
    webhooks: Webhook[];
  };
export const webhook = (name: string): Webhook => {
  const found = configuration().webhooks.find((it) => it.name === `${name}.catalyst.openova.io`);
  if (found === undefined) throw new Error(`no webhook ${name}`);
  return found;
};
/** The rules, as `group/resource operations`. */
export const matched = (name: string) =>
  webhook(name).rules.flatMap(({ apiGroups, resources, operations }) =>
    resources.map((resource) => `${apiGroups.join()}/${resource} ${operations.join()}`),
  );
export const NAMES = {
  key: "kubernetes.io/metadata.name",
  values: guardedNames(identityLists()),
};
export const label = (name: string, operator: "Exists" | "DoesNotExist") => ({
  key: `catalyst.openova.io/${name}`,
  operator,
});
export const ORDINARY = {
  matchExpressions: [
    { ...NAMES, operator: "NotIn" },
    label("organization", "DoesNotExist"),
    label("sovereign", "DoesNotExist"),
    label("environment", "DoesNotExist"),
    label("managed-by", "DoesNotExist"),
  ],
};
/** The path of each webhook, in order. */
export const PATHS = [
  ...["/admit", "/admit/listed", "/admit/organization", "/admit/sovereign", "/admit/environment"],
  ...["/admit/managed-by", "/admit/ordinary", "/admit/ordinary", "/admit/ordinary", "/admit/ordinary"],
];
export const EVERYTHING = ["*/*/* CREATE,UPDATE,DELETE,CONNECT"];
export const conditions = (name: string) =>
  Object.fromEntries(webhook(name).matchConditions.map((it) => [it.name, it.expression]));
