import type { Authorizer } from "../access/authorization.ts";
import { errorMessage } from "../error-message.ts";
import type { JsonObject } from "../object.ts";
import { forbiddenBecause } from "../refusal.ts";
import { CelCompileError } from "../schema/cel/expression.ts";
import { StatusError } from "../status.ts";
import { ScopeValues } from "./cel-scope.ts";
import {
  aggregated,
  attempt,
  compileConditions,
  evaluateConditions,
  type MatchCondition,
} from "./match-condition.ts";
import {
  type LabelSelector,
  type MatchDeps,
  matchedResource,
  type RuleWithOperations,
  selectorsMatch,
} from "./matching.ts";
import type { AdmissionNotes, AdmissionRequest, GroupVersionResource } from "./request.ts";
import {
  type ClientConfig,
  createWebhookClient,
  type ServiceResolver,
  type WebhookClient,
} from "./webhook-client.ts";
import { createReview, denial, internalError, parseAnswer } from "./webhook-review.ts";

/** A webhook of a Validating- or MutatingWebhookConfiguration, defaults filled in. */
export interface WebhookSpec {
  name: string;
  clientConfig: ClientConfig;
  rules?: RuleWithOperations[];
  failurePolicy?: "Fail" | "Ignore";
  matchPolicy?: "Exact" | "Equivalent";
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  matchConditions?: MatchCondition[];
  sideEffects?: string;
  timeoutSeconds?: number;
  admissionReviewVersions?: string[];
  reinvocationPolicy?: "Never" | "IfNeeded";
}

export interface WebhookDeps extends MatchDeps {
  authorizer: Authorizer;
  resolveService: ServiceResolver;
  /** Called for each failure that a failure policy ignores. */
  onIgnoredFailure?(webhook: string, error: Error): void;
}

export interface Webhook {
  name: string;
  reinvocable: boolean;
  /** The resource that the webhook's rules match for this request. Undefined if they do not match. Throws refusals. */
  wants(request: AdmissionRequest): GroupVersionResource | undefined;
  /** The webhook's patch, if any. Throws `StatusError` when it denies, and when it fails under failurePolicy Fail. */
  call(
    request: AdmissionRequest,
    matchedAs: GroupVersionResource,
    notes: AdmissionNotes,
  ): Promise<JsonObject[] | undefined>;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_SECONDS = 10;

export function createWebhook(deps: WebhookDeps, spec: WebhookSpec, mutating: boolean): Webhook {
  const { name, rules = [], matchPolicy = "Equivalent", failurePolicy = "Fail" } = spec;
  const conditions = attempt(() => compileConditions(spec.matchConditions));
  let client: WebhookClient | undefined;

  /** Handles a call without a valid answer: the failure policy refuses the request or skips the webhook. */
  function fail(reason: string): undefined {
    const error = new Error(`failed calling webhook ${JSON.stringify(name)}: ${reason}`);
    if (failurePolicy === "Fail") throw internalError(error.message);
    deps.onIgnoredFailure?.(name, error);
    return undefined;
  }

  /** Handles match conditions that fail: the failure policy refuses the request or skips the webhook. */
  function unmatchable(request: AdmissionRequest, errors: readonly string[]): undefined {
    if (failurePolicy === "Ignore") return undefined;
    const { group, resource: plural } = request.resource;
    throw forbiddenBecause({ group, plural }, request.name, aggregated(errors));
  }

  return {
    name,
    reinvocable: spec.reinvocationPolicy === "IfNeeded",

    wants(request) {
      const matchedAs = matchedResource(deps, request, rules, matchPolicy);
      if (matchedAs === undefined || !selectorsMatch(deps, request, spec)) return undefined;
      if (conditions instanceof CelCompileError) return unmatchable(request, [conditions.message]);
      if (conditions.length === 0) return matchedAs;
      const outcome = evaluateConditions(conditions, new ScopeValues(request, matchedAs, deps.authorizer));
      if (outcome.kind === "failed") return unmatchable(request, outcome.errors);
      return outcome.kind === "matched" ? matchedAs : undefined;
    },

    async call(request, matchedAs, notes) {
      if (request.dryRun && spec.sideEffects !== "None" && spec.sideEffects !== "NoneOnDryRun") {
        throw new StatusError(
          400,
          "BadRequest",
          `admission webhook ${JSON.stringify(name)} does not support dry run`,
        );
      }
      if (!(spec.admissionReviewVersions ?? ["v1"]).includes("v1")) {
        return fail(
          "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)",
        );
      }
      const { uid, review } = createReview(request, matchedAs);
      let answered: unknown;
      try {
        client ??= createWebhookClient(spec.clientConfig, deps.resolveService);
        answered = await client.post(review, spec.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS);
      } catch (error) {
        return fail(`failed to call webhook: ${errorMessage(error)}`);
      }
      let answer: ReturnType<typeof parseAnswer>;
      try {
        answer = parseAnswer(answered, uid, mutating);
      } catch (error) {
        return fail(`received invalid webhook response: ${errorMessage(error)}`);
      }
      notes.warnings.push(...answer.warnings);
      for (const [key, value] of Object.entries(answer.auditAnnotations)) {
        notes.auditAnnotations[`${name}/${key}`] = value;
      }
      if (!answer.allowed) throw denial(name, answer.result);
      return answer.patch;
    },

    async close() {
      await client?.close();
    },
  };
}
