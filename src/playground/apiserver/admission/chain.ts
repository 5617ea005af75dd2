import { isDeepStrictEqual } from "node:util";
import { errorMessage } from "../error-message.ts";
import type { JsonObject } from "../object.ts";
import { type ConfigurationDeps, createConfiguration } from "./configuration.ts";
import { isAdmissionConfiguration, isExemptFromPolicies } from "./matching.ts";
import { type AdmissionNotes, type AdmissionRequest, createNotes, normalizedRequest } from "./request.ts";
import type { Webhook } from "./webhook.ts";
import { convertedTo, internalError } from "./webhook-review.ts";

export interface AdmissionChainDeps extends ConfigurationDeps {
  /** Applies RFC 6902 to a copy; throws for an operation that fails. */
  applyJsonPatch(object: JsonObject, operations: readonly JsonObject[]): JsonObject;
  /** Fills in defaults again after a webhook's patch, in place. */
  applyDefaults?(object: JsonObject, request: AdmissionRequest): void;
}

interface AdmissionOutcome extends AdmissionNotes {
  /** The object after the mutating webhooks; null on DELETE. */
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

export function createAdmissionChain(deps: AdmissionChainDeps): AdmissionChain {
  const configuration = createConfiguration(deps);
  const chain: AdmissionChain = {
    async mutate(given) {
      const notes = createNotes();
      const request = normalizedRequest(given);
      if (isAdmissionConfiguration(request)) return { ...notes, object: request.object };
      const { mutating } = configuration.current();
      const first = await mutateOnce(deps, request, mutating, notes);
      if (first.again.size === 0) return { ...notes, object: first.request.object };
      const second = await mutateOnce(
        deps,
        first.request,
        mutating.filter((hook) => first.again.has(hook)),
        notes,
      );
      return { ...notes, object: second.request.object };
    },

    async validate(given) {
      const notes = createNotes();
      const request = normalizedRequest(given);
      const { policies, validating } = configuration.current();
      if (!isExemptFromPolicies(request)) {
        for (const { policy, bindings } of policies) policy.enforce(request, bindings, notes);
      }
      if (isAdmissionConfiguration(request)) return notes;
      await callAll(validating, request, notes);
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

    close: configuration.close,
  };
  return chain;
}

/** Calls each webhook once. `again` holds those that a later change makes eligible for another call. */
async function mutateOnce(
  deps: AdmissionChainDeps,
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
    const changed = patch === undefined ? at : patched(deps, at, hook, patch, matchedAs);
    if (!isDeepStrictEqual(changed.object, at.object)) {
      // Webhooks that ran before this change have not checked its result.
      for (const earlier of called) again.add(earlier);
      called.clear();
    }
    at = changed;
    if (hook.reinvocable) called.add(hook);
  }
  return { request: at, again };
}

function patched(
  deps: AdmissionChainDeps,
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

/** Calls all webhooks at once; throws the first refusal. */
async function callAll(
  validating: readonly Webhook[],
  request: AdmissionRequest,
  notes: AdmissionNotes,
): Promise<void> {
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
}
