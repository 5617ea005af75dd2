import { isDeepStrictEqual } from "node:util";
import { errorMessage } from "../error-message.ts";
import type { JsonObject } from "../schema/json-schema.ts";
import { isAdmissionConfiguration, isExemptFromPolicies } from "./matching.ts";
import { type BindingSpec, createPolicy, type Policy, type PolicySpec } from "./policy.ts";
import { type AdmissionNotes, type AdmissionRequest, createNotes, normalizedRequest } from "./request.ts";
import { createWebhook, type Webhook, type WebhookDeps, type WebhookSpec } from "./webhook.ts";
import { convertedTo, internalError } from "./webhook-review.ts";

type AdmissionResource =
  | "mutatingwebhookconfigurations"
  | "validatingwebhookconfigurations"
  | "validatingadmissionpolicies"
  | "validatingadmissionpolicybindings";

/** What the chain reads of a stored object. */
interface StoredConfiguration {
  metadata: { name: string; uid?: string; resourceVersion?: string };
  webhooks?: WebhookSpec[];
  spec?: unknown;
}

export interface AdmissionChainDeps extends WebhookDeps {
  list(resource: AdmissionResource): Iterable<unknown>;
  /** Changes whenever one of those objects does. */
  version(): number | string;
  /** RFC 6902, on a copy; throws for an operation that cannot be carried out. */
  applyJsonPatch(object: JsonObject, operations: readonly JsonObject[]): JsonObject;
  /** Fills in defaults again after a webhook's patch, in place. */
  applyDefaults?(object: JsonObject, request: AdmissionRequest): void;
}

interface AdmissionOutcome extends AdmissionNotes {
  /** As the mutating webhooks left it; null on DELETE. */
  object: JsonObject | null;
}

export interface AdmissionChain {
  /** Mutating webhooks, one after the other. Throws `StatusError` for a refusal. */
  mutate(request: AdmissionRequest): Promise<AdmissionOutcome>;
  /** Policies, then all validating webhooks at once. Throws the first refusal. */
  validate(request: AdmissionRequest): Promise<AdmissionNotes>;
  /** Both, with the object's own validation in between, where Kubernetes has it. */
  admit(
    request: AdmissionRequest,
    validateObject?: (object: JsonObject | null) => void,
  ): Promise<AdmissionOutcome>;
  /** Closes the connections to webhooks. */
  close(): Promise<void>;
}

interface Compiled {
  mutating: Webhook[];
  validating: Webhook[];
  policies: { policy: Policy; bindings: { name: string; spec: BindingSpec }[] }[];
}

export function createAdmissionChain(deps: AdmissionChainDeps): AdmissionChain {
  let compiled: Compiled | undefined;
  let compiledFor: number | string | undefined;
  // By the revision of their configuration: a change to one leaves the connections of the others open.
  let webhooks = new Map<string, Webhook[]>();

  function current(): Compiled {
    const version = deps.version();
    if (compiled !== undefined && version === compiledFor) return compiled;
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
    const next: Compiled = {
      mutating: phase("mutatingwebhookconfigurations", true),
      validating: phase("validatingwebhookconfigurations", false),
      policies: compilePolicies(),
    };
    for (const [key, stale] of webhooks) {
      if (kept.get(key) !== stale) for (const webhook of stale) void webhook.close();
    }
    webhooks = kept;
    compiled = next;
    compiledFor = version;
    return next;
  }

  function compilePolicies(): Compiled["policies"] {
    const bindings = sorted(deps.list("validatingadmissionpolicybindings")).map(({ metadata, spec }) => ({
      name: metadata.name,
      spec: spec as BindingSpec,
    }));
    return sorted(deps.list("validatingadmissionpolicies")).map(({ metadata: { name }, spec }) => ({
      policy: createPolicy(deps, name, spec as PolicySpec),
      bindings: bindings.filter((binding) => binding.spec.policyName === name),
    }));
  }

  async function mutateOnce(
    request: AdmissionRequest,
    hooks: readonly Webhook[],
    notes: AdmissionNotes,
  ): Promise<{ request: AdmissionRequest; again: Set<Webhook> }> {
    let at = request;
    const again = new Set<Webhook>();
    const called = new Set<Webhook>();
    for (const hook of hooks) {
      const matchedAs = hook.wants(at);
      if (matchedAs === undefined) continue;
      const patch = await hook.call(at, matchedAs, notes);
      const changed = patch === undefined ? at : patched(at, hook, patch, matchedAs);
      if (!isDeepStrictEqual(changed.object, at.object)) {
        // Whoever looked before this change may want to look again.
        for (const earlier of called) again.add(earlier);
        called.clear();
      }
      at = changed;
      if (hook.reinvocable) called.add(hook);
    }
    return { request: at, again };
  }

  function patched(
    request: AdmissionRequest,
    hook: Webhook,
    patch: readonly JsonObject[],
    matchedAs: AdmissionRequest["resource"],
  ): AdmissionRequest {
    if (request.object === null) {
      throw internalError(
        `admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`,
      );
    }
    let object: JsonObject | null;
    try {
      const shown = convertedTo(request.object, matchedAs) ?? request.object;
      object = convertedTo(deps.applyJsonPatch(shown, patch), request.resource);
    } catch (error) {
      throw internalError(errorMessage(error));
    }
    if (object !== null) deps.applyDefaults?.(object, request);
    return { ...request, object };
  }

  const chain: AdmissionChain = {
    async mutate(given) {
      const notes = createNotes();
      const request = normalizedRequest(given);
      if (isAdmissionConfiguration(request)) return { ...notes, object: request.object };
      const { mutating } = current();
      const first = await mutateOnce(request, mutating, notes);
      if (first.again.size === 0) return { ...notes, object: first.request.object };
      const second = await mutateOnce(
        first.request,
        mutating.filter((hook) => first.again.has(hook)),
        notes,
      );
      return { ...notes, object: second.request.object };
    },

    async validate(given) {
      const notes = createNotes();
      const request = normalizedRequest(given);
      const { policies, validating } = current();
      if (!isExemptFromPolicies(request)) {
        for (const { policy, bindings } of policies) policy.enforce(request, bindings, notes);
      }
      if (isAdmissionConfiguration(request)) return notes;
      const calls = validating.flatMap((hook) => {
        const matchedAs = hook.wants(request);
        if (matchedAs === undefined) return [];
        const own = createNotes();
        return [{ own, done: hook.call(request, matchedAs, own) }];
      });
      const results = await Promise.allSettled(calls.map(({ done }) => done));
      for (const { own } of calls) {
        notes.warnings.push(...own.warnings);
        Object.assign(notes.auditAnnotations, own.auditAnnotations);
      }
      const refused = results.find((result) => result.status === "rejected");
      if (refused !== undefined) throw refused.reason;
      return notes;
    },

    async admit(given, validateObject) {
      const mutated = await chain.mutate(given);
      validateObject?.(mutated.object);
      const notes = await chain.validate({ ...given, object: mutated.object });
      return {
        object: mutated.object,
        warnings: [...mutated.warnings, ...notes.warnings],
        auditAnnotations: { ...mutated.auditAnnotations, ...notes.auditAnnotations },
      };
    },

    async close() {
      await Promise.all([...webhooks.values()].flat().map((webhook) => webhook.close()));
      webhooks.clear();
      compiled = undefined;
    },
  };
  return chain;
}

/** By name, which is the order in which Kubernetes calls configurations. */
function sorted(objects: Iterable<unknown>): StoredConfiguration[] {
  return ([...objects] as StoredConfiguration[]).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}
