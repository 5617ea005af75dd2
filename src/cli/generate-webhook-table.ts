import { admissionPath } from "../admission/routes.ts";
import { EVERY } from "../admission/rules/account.ts";
import { identityLists } from "../admission/rules/identity.ts";
import { desiredWebhookConfiguration } from "../admission/webhook-configuration.ts";
import { markdownTable } from "./markdown.ts";

interface Webhook {
  name: string;
  clientConfig: { service: { path: string } };
  rules: { apiGroups: string[]; resources: string[]; operations: string[] }[];
}

/** What limits each webhook to fewer namespaces, or fewer requests, than its rules name. */
const LIMITS: Readonly<Record<string, string>> = {
  "ordinary-namespace": "–",
  installer: "of the group of an installer or a policy engine",
  owner: "that block the deletion of an object of the product or of a Namespace",
  secret: "that hand out an identity, or that Helm reads as a release",
  service: "that claim an address or a host",
  "volume-claim": "that name a volume, or a source in another namespace",
  endpoint: "that add an address",
  annotation: "that annotate a Pod or an Ingress",
  device: "that allocate a device",
  "cluster-service": "of Service `kubernetes` in namespace `default`",
  "account-namespace": "in a namespace with an account that acts for others",
};

/** Every kind of which the webhook is sent requests in ordinary namespaces, from the webhook configuration itself. */
export function webhookTable(): string {
  const endpoint = { caBundle: "", url: undefined };
  const { webhooks } = desiredWebhookConfiguration(endpoint, identityLists(), {
    accountNamespaces: [EVERY],
  }) as unknown as { webhooks: Webhook[] };
  const rows = webhooks
    .filter(({ clientConfig }) => clientConfig.service.path === admissionPath("ordinary"))
    .flatMap(({ name, rules }) => {
      const limit = LIMITS[name.split(".")[0] ?? ""];
      if (limit === undefined) throw new Error(`add to LIMITS what limits webhook ${name}`);
      return rules.map(({ apiGroups, resources, operations }) => [
        apiGroups.map((group) => (group === "" ? "core" : `\`${group}\``)).join(", "),
        resources.map((resource) => `\`${resource}\``).join(", "),
        operations.join(", "),
        limit,
      ]);
    });
  return markdownTable(["API group", "Resources", "Requests", "Only those"], rows);
}
