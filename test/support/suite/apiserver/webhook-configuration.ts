import { expect } from "vitest";
import { configMap } from "../../builder/api-object.ts";
import { eventually } from "../../wait.ts";
import { type Bench, outcome } from "./behaviour.ts";

export const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

interface Review {
  request: Record<string, unknown> & { namespace?: string; operation: string; name?: string };
}

/** The rules of a webhook or a policy: one, for these operations on a resource. */
export const rulesFor = (group: string, version: string, resource: string, ...operations: string[]) => [
  { apiGroups: [group], apiVersions: [version], resources: [resource], operations },
];

/** A webhook for the ConfigMaps of the namespace, at a path of the suite's webhook server. */
export function hook({ name, webhook }: Bench, path: string, more: object = {}) {
  return {
    name: `${name}.conformance.example.org`,
    clientConfig: { url: `${webhook.url}${path}`, caBundle: webhook.caBundle },
    rules: rulesFor("", "v1", "configmaps", "CREATE", "UPDATE"),
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    ...more,
  };
}

export const reviewsOf = ({ name, webhook }: Bench) =>
  (webhook.received as unknown as Review[]).filter(({ request }) => request.namespace === name);

/** Configures webhooks, and waits until the API server calls them. */
export async function configure(
  bench: Bench,
  kind: "mutating" | "validating",
  ...hooks: object[]
): Promise<void> {
  const webhooks = hooks.map((it, index) => ({
    ...it,
    name: `${bench.name}-${index}.conformance.example.org`,
  }));
  const plural = `${kind}webhookconfigurations`;
  await bench.must("POST", `${ADMISSION}/${plural}`, { metadata: { name: bench.name }, webhooks });
  // The API server applies a second configuration after the first. It denies only a probe.
  const denying = hook(bench, "/deny", { objectSelector: { matchLabels: { probe: "yes" } } });
  const probe = { metadata: { name: `${bench.name}-probe` }, webhooks: [denying] };
  await bench.must("POST", `${ADMISSION}/validatingwebhookconfigurations`, probe);
  const body = configMap("probe", {}, { labels: { probe: "yes" } });
  await eventually(async () =>
    expect([400, 403, 500]).toContain(
      (await bench.send("POST", `${bench.core}/configmaps?dryRun=All`, body)).status,
    ),
  );
  await bench.must("DELETE", `${ADMISSION}/validatingwebhookconfigurations/${bench.name}-probe`);
}

/** The answer to a new ConfigMap that a webhook at this path judges. */
export async function tried(bench: Bench, path: string, more: object = {}) {
  await configure(bench, "validating", hook(bench, path, more));
  return bench.send("POST", `${bench.core}/configmaps`, configMap("one"));
}

/** The outcome of creating a configuration with this webhook, in a dry run. */
export async function refused(bench: Bench, more: object): Promise<string> {
  const webhooks = [hook(bench, "/allow", more)];
  const body = { metadata: { name: bench.name }, webhooks };
  return outcome(await bench.send("POST", `${ADMISSION}/validatingwebhookconfigurations?dryRun=All`, body));
}
