import { conditionsField, observedGenerationField } from "./condition.ts";
import {
  ENVIRONMENT_TYPES,
  ExceptionSchema,
  POLICY_ENFORCEMENTS,
  RULE_NAMES,
  RuleSchema,
} from "./environment-rule.ts";
import { AGE_COLUMN, type KindDefinition, READY_COLUMN } from "./kind.ts";
import { LABEL } from "./label.ts";
import type { CatalystObject, KubernetesObject } from "./object.ts";
import { DNS_LABEL, list, object, oneOf, type Static, set, Type, text, time, wholeNumber } from "./schema.ts";

/** `<org>-<env>`; either part may be `*`. */
const ENVIRONMENT_PATTERN = `^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)-(\\*|${ENVIRONMENT_TYPES.join("|")})$`;

const EnvironmentPolicySpecSchema = object(
  {
    appliesTo: object(
      {
        environments: set(
          text({
            description: "`<org>-<env>`; env is prod, stg, uat, dev or poc. Either part may be `*`.",
            maxLength: 128,
            pattern: ENVIRONMENT_PATTERN,
          }),
          { description: "The environments that the policy applies to.", maxItems: 64, minItems: 1 },
        ),
      },
      { description: "Where the policy applies." },
    ),
    enforcement: oneOf(POLICY_ENFORCEMENTS, {
      description: "What happens to an install that breaks a rule.",
      default: "Deny",
    }),
    rules: list(RuleSchema, {
      description: "The rules. An install must satisfy all of them.",
      maxItems: 32,
      minItems: 1,
    }),
    exceptions: Type.Optional(
      list(ExceptionSchema, {
        description:
          "Rules that do not apply to one environment for a time. An ended exception has no effect.",
        maxItems: 64,
      }),
    ),
  },
  { description: "The rules for installs, and where they apply." },
);

/** A policy's status lists at most this many of the namespaces that it governs. */
export const MAX_GOVERNED = 100;
export const MAX_DENIALS = 10;

const EnvironmentPolicyStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    environments: Type.Optional(
      wholeNumber({
        description: "Number of environments that the policy applies to now.",
        minimum: 0,
        maximum: 1_000_000,
        format: "int32",
      }),
    ),
    governs: Type.Optional(
      set(text({ description: "Name of an environment.", maxLength: 63, pattern: DNS_LABEL }), {
        description: `The environments that the policy applies to now: the first ${MAX_GOVERNED} by name.`,
        maxItems: MAX_GOVERNED,
      }),
    ),
    window: Type.Optional(
      object(
        {
          opensAt: Type.Optional(time("When it opens. Absent: it is open now.")),
          closesAt: time("When it closes."),
        },
        {
          description:
            "The time in which all change windows of the policy are open: the present one, or the next one.",
        },
      ),
    ),
    recentDenials: Type.Optional(
      list(
        object(
          {
            environment: text({ description: "The environment.", maxLength: 128 }),
            rule: oneOf(RULE_NAMES, { description: "The rule that the installs broke." }),
            enforcement: oneOf(POLICY_ENFORCEMENTS, {
              description: "Deny: they were refused. Warn, Audit: they passed.",
            }),
            count: wholeNumber({ description: "Number of requests.", minimum: 1, maximum: 1_000_000_000 }),
            lastTime: time("When the last one arrived."),
            user: text({ description: "Who sent the last one.", maxLength: 256 }),
            object: text({ description: "What the last one wrote.", maxLength: 512 }),
            message: text({ description: "Why it broke the rule.", maxLength: 2048 }),
          },
          { description: "Installs that broke one rule in one environment." },
        ),
        {
          description: `Installs that broke a rule in the last 24 hours, the newest first: at most ${MAX_DENIALS}.`,
          maxItems: MAX_DENIALS,
        },
      ),
    ),
    conditions: conditionsField(),
  },
  { description: "Whether the policy can be enforced." },
);

type EnvironmentPolicySpec = Static<typeof EnvironmentPolicySpecSchema>;
export type EnvironmentPolicyStatus = Static<typeof EnvironmentPolicyStatusSchema>;
export type EnvironmentPolicy = CatalystObject<EnvironmentPolicySpec, EnvironmentPolicyStatus>;

export const ENVIRONMENT_POLICY: KindDefinition = {
  kind: "EnvironmentPolicy",
  plural: "environmentpolicies",
  singular: "environmentpolicy",
  shortNames: ["envpol"],
  scope: "Namespaced",
  description: "Rules for installs into environments. Policies belong in catalyst-system.",
  spec: EnvironmentPolicySpecSchema,
  status: EnvironmentPolicyStatusSchema,
  printerColumns: [
    {
      name: "Enforcement",
      type: "string",
      jsonPath: ".spec.enforcement",
      description: "Deny, Warn or Audit.",
    },
    {
      name: "Environments",
      type: "integer",
      jsonPath: ".status.environments",
      description: "Number of environments that the policy applies to.",
    },
    READY_COLUMN,
    {
      ...{ name: "Window-Opens", type: "string", jsonPath: ".status.window.opensAt", priority: 1 },
      description: "When the next change window opens. Empty: it is open, or there is none.",
    },
    AGE_COLUMN,
  ],
};

/** An environment is the namespace `<organization>-<environment>` with both labels. */
export interface Environment {
  organization: string;
  environment: string;
}

/** The environment of a namespace; undefined when the namespace is not an environment. */
export function environmentOf({ metadata }: KubernetesObject): Environment | undefined {
  const { [LABEL.organization]: organization, [LABEL.environment]: environment } = metadata.labels ?? {};
  return organization === undefined || environment === undefined ? undefined : { organization, environment };
}

/** Whether a pattern of the policy matches `<organization>-<environment>`. A `*` matches either part. */
export function appliesTo(policy: EnvironmentPolicy, { organization, environment }: Environment): boolean {
  return policy.spec.appliesTo.environments.some((pattern) => {
    const dash = pattern.lastIndexOf("-");
    const [organizationPart, environmentPart] = [pattern.slice(0, dash), pattern.slice(dash + 1)];
    return (
      (organizationPart === "*" || organizationPart === organization) &&
      (environmentPart === "*" || environmentPart === environment)
    );
  });
}

/** The namespace in which a digest must have run before it may be installed into the environment. */
export const soakSource = (from: string, { organization }: Environment): string =>
  ENVIRONMENT_TYPES.includes(from) ? `${organization}-${from}` : from;

/** Whether the policy counts what runs in the environment towards installs into another one. */
export function isSoakSource({ spec, ...policy }: EnvironmentPolicy, source: Environment): boolean {
  const { organization, environment } = source;
  return spec.rules.some(({ soak }) => {
    if (soak === undefined) return false;
    if (soak.from === `${organization}-${environment}`) return true;
    const targets = ENVIRONMENT_TYPES.map((type) => ({ organization, environment: type }));
    return soak.from === environment && targets.some((target) => appliesTo({ ...policy, spec }, target));
  });
}
