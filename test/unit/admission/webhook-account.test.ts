import { describe, expect, it } from "vitest";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import {
  desiredWebhookConfiguration,
  publishedBundles,
} from "../../../src/admission/webhook-configuration.ts";
import {
  CA,
  configuration,
  NAMES,
  ORDINARY,
  type Webhook,
} from "../../support/builder/webhook-configuration.ts";

describe("the webhook for namespaces with an account that acts for others", () => {
  const withAccounts = (...accountNamespaces: string[]) =>
    (
      desiredWebhookConfiguration({ caBundle: CA, url: undefined }, identityLists(), {
        accountNamespaces,
      }) as unknown as { webhooks: Webhook[] }
    ).webhooks;
  const account = (...names: string[]) =>
    withAccounts(...names).find(({ name }) => name === "account-namespace.catalyst.openova.io");

  it("receives connections to Pods and RoleBindings there, and fails closed", () => {
    expect(account("bazaar", "ci")).toMatchObject({
      failurePolicy: "Fail",
      rules: [
        {
          apiGroups: [""],
          resources: ["pods/exec", "pods/attach", "pods/portforward", "pods/proxy"],
          operations: ["CONNECT"],
        },
        {
          apiGroups: ["rbac.authorization.k8s.io"],
          resources: ["rolebindings"],
          operations: ["CREATE", "UPDATE"],
        },
      ],
      namespaceSelector: {
        matchExpressions: [
          { key: NAMES.key, operator: "In", values: ["bazaar", "ci"] },
          ...ORDINARY.matchExpressions,
        ],
      },
    });
  });

  it("covers every ordinary namespace when a group of all ServiceAccounts acts for a Franchisee", () => {
    expect(account("*")?.namespaceSelector).toEqual(ORDINARY);
  });

  it("does not exist without such a namespace, and changes no other webhook", () => {
    expect(account()).toBeUndefined();
    expect(withAccounts("bazaar").filter(({ name }) => !name.startsWith("account-"))).toEqual(withAccounts());
  });
});

describe("publishedBundles", () => {
  it("reads the CA bundle of each webhook", () => {
    expect(publishedBundles(configuration())).toEqual(Array.from({ length: 16 }, () => CA));
  });

  it("reads an empty bundle where a webhook has none, and nothing where there is no webhook", () => {
    const { webhooks: _, ...rest } = configuration();
    expect(publishedBundles({ ...rest, webhooks: [{}, { clientConfig: {} }] } as never)).toEqual(["", ""]);
    expect(publishedBundles(rest)).toEqual([]);
    expect(publishedBundles(undefined)).toEqual([]);
  });
});
