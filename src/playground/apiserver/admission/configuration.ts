import { type BindingSpec, createPolicy, type Policy, type PolicyDeps, type PolicySpec } from "./policy.ts";
import { createWebhook, type Webhook, type WebhookDeps, type WebhookSpec } from "./webhook.ts";

type AdmissionResource =
  | "mutatingwebhookconfigurations"
  | "validatingwebhookconfigurations"
  | "validatingadmissionpolicies"
  | "validatingadmissionpolicybindings";

/** The members of a stored configuration that the chain uses. */
interface StoredConfiguration {
  metadata: { name: string; uid?: string; resourceVersion?: string };
  webhooks?: WebhookSpec[];
  spec?: unknown;
}

export interface ConfigurationDeps extends WebhookDeps, PolicyDeps {
  list(resource: AdmissionResource): Iterable<unknown>;
  /** Changes whenever one of those objects changes. */
  version(): number | string;
}

export interface CompiledConfiguration {
  mutating: Webhook[];
  validating: Webhook[];
  policies: { policy: Policy; bindings: { name: string; spec: BindingSpec }[] }[];
}

/** The webhooks and policies as they are stored now. They are compiled again after a change of a configuration. */
export function createConfiguration(deps: ConfigurationDeps) {
  let compiled: CompiledConfiguration | undefined;
  let compiledFor: number | string | undefined;
  // By the revision of their configuration: a change of one configuration leaves the connections of the others open.
  let webhooks = new Map<string, Webhook[]>();

  function compile(): CompiledConfiguration {
    const kept = new Map<string, Webhook[]>();
    const phase = (resource: AdmissionResource, mutating: boolean) =>
      sorted(deps.list(resource)).flatMap((configuration) => {
        const { uid, resourceVersion, name } = configuration.metadata;
        const key = `${resource}/${uid ?? name}/${resourceVersion ?? ""}`;
        const made =
          (resourceVersion === undefined ? undefined : webhooks.get(key)) ??
          (configuration.webhooks ?? []).map((spec) => createWebhook(deps, spec, mutating));
        kept.set(key, made);
        return made;
      });
    const next: CompiledConfiguration = {
      mutating: phase("mutatingwebhookconfigurations", true),
      validating: phase("validatingwebhookconfigurations", false),
      policies: compilePolicies(deps),
    };
    for (const [key, stale] of webhooks) {
      if (kept.get(key) !== stale) for (const webhook of stale) void webhook.close();
    }
    webhooks = kept;
    return next;
  }

  return {
    current(): CompiledConfiguration {
      const version = deps.version();
      if (compiled === undefined || version !== compiledFor) {
        compiled = compile();
        compiledFor = version;
      }
      return compiled;
    },

    /** Closes the connections to webhooks. */
    async close(): Promise<void> {
      await Promise.all([...webhooks.values()].flat().map((webhook) => webhook.close()));
      webhooks.clear();
      compiled = undefined;
    },
  };
}

function compilePolicies(deps: ConfigurationDeps): CompiledConfiguration["policies"] {
  const bindings = sorted(deps.list("validatingadmissionpolicybindings")).map(({ metadata, spec }) => ({
    name: metadata.name,
    spec: spec as BindingSpec,
  }));
  return sorted(deps.list("validatingadmissionpolicies")).map(({ metadata: { name }, spec }) => ({
    policy: createPolicy(deps, name, spec as PolicySpec),
    bindings: bindings.filter((binding) => binding.spec.policyName === name),
  }));
}

/** Sorted by name, the order in which Kubernetes calls configurations. */
function sorted(objects: Iterable<unknown>): StoredConfiguration[] {
  return ([...objects] as StoredConfiguration[]).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}
