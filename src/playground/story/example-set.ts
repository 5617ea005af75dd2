import type { BillingRelease } from "../../api/billing-release.ts";
import type { Blueprint } from "../../api/blueprint.ts";
import type { Franchise } from "../../api/franchise.ts";
import {
  CATALOG_NAMESPACE,
  PRIVATE_CATALOG_NAMESPACE,
  SYSTEM_NAMESPACE,
  sovereignNamespace,
} from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { blueprintArtifact, imageReference } from "../image.ts";
import type { Example } from "./example.ts";

/**
 * A problem between examples that are valid one by one: a reference to an object that does not exist, or a missing part
 * of the story.
 */
export interface ExampleProblem {
  /** Undefined: the problem is in no single file. */
  example: Example | undefined;
  message: string;
}

export interface ExampleFacts {
  /** Images that this machine can run, by `repository@sha256:…`. */
  images: readonly string[];
  /** The user that acts as the Franchisee in the story. */
  franchisee: string;
}

/** The story applies only these kinds. Any other kind would be skipped silently, so it is a problem. */
const APPLIED = ["ConfigMap", "BillingRelease", "Franchise", "Sovereign", "EnvironmentPolicy", "Blueprint"];
/** Namespaces that exist before the examples are applied. */
const NAMESPACES = ["default", SYSTEM_NAMESPACE, CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE];

export function exampleSetProblems(examples: readonly Example[], facts: ExampleFacts): ExampleProblem[] {
  const set = groupByKind(examples);
  return [
    ...examples.flatMap((example, index) => identityProblems(example, examples.slice(0, index))),
    ...set.releases.flatMap((release) => releaseProblems(release, facts)),
    ...set.sovereigns.flatMap((sovereign) => sovereignProblems(sovereign, set)),
    ...missingPartProblems(set, facts),
    ...blueprintProblems(set.blueprints),
  ];
}

interface ExampleOf<T> {
  example: Example;
  object: T;
}

function groupByKind(examples: readonly Example[]) {
  const ofKind = <T extends KubernetesObject>(kind: string): ExampleOf<T>[] =>
    examples
      .filter(({ manifest }) => manifest.kind === kind)
      .map((example) => ({ example, object: example.manifest as T }));
  return {
    releases: ofKind<BillingRelease>("BillingRelease"),
    sovereigns: ofKind<Sovereign>("Sovereign"),
    franchises: ofKind<Franchise>("Franchise"),
    blueprints: ofKind<Blueprint>("Blueprint"),
  };
}
type ExampleSet = ReturnType<typeof groupByKind>;

function identityProblems(example: Example, before: readonly Example[]): ExampleProblem[] {
  const { kind, metadata } = example.manifest;
  const problem = (message: string): ExampleProblem[] => [{ example, message }];
  if (!APPLIED.includes(kind))
    return problem(`kind: must be one that the story applies: ${APPLIED.join(", ")}`);
  if (metadata.namespace !== undefined && !NAMESPACES.includes(metadata.namespace))
    return problem(
      `metadata.namespace: namespace ${metadata.namespace} does not exist; use one of ${NAMESPACES.join(", ")}`,
    );
  const duplicate = before.find(
    ({ manifest }) =>
      manifest.kind === kind &&
      manifest.metadata.name === metadata.name &&
      manifest.metadata.namespace === metadata.namespace,
  );
  return duplicate === undefined
    ? []
    : problem(`metadata.name: Duplicate value: ${duplicate.file} has the same name`);
}

function releaseProblems(
  { example, object }: ExampleOf<BillingRelease>,
  { images }: ExampleFacts,
): ExampleProblem[] {
  const { image } = object.spec;
  return images.includes(image)
    ? []
    : [{ example, message: `spec.image: this machine does not have ${image}; use ${images.join(" or ")}` }];
}

function sovereignProblems({ example, object }: ExampleOf<Sovereign>, set: ExampleSet): ExampleProblem[] {
  const { billing, franchise, parent, role, suspend, cluster, tiers = [], fqdn, namespace } = object.spec;
  const { name } = object.metadata;
  const others = set.sovereigns.filter((other) => other.object !== object);
  const exists = (list: ExampleOf<KubernetesObject>[], wanted: string) =>
    list.some((it) => it.object.metadata.name === wanted);
  const allowedTiers = set.franchises.find((it) => it.object.metadata.name === franchise)?.object.spec.grants
    .tiers;
  const foreignTiers = tiers
    .map(({ id }) => id)
    .filter((id) => allowedTiers !== undefined && !allowedTiers.includes("*") && !allowedTiers.includes(id));
  const problems: [boolean, string][] = [
    [
      !exists(set.releases, billing.release),
      `spec.billing.release: BillingRelease ${billing.release} does not exist`,
    ],
    [
      franchise !== undefined && !exists(set.franchises, franchise),
      `spec.franchise: Franchise ${franchise} does not exist`,
    ],
    [parent !== undefined && !exists(others, parent), `spec.parent: no other Sovereign is named ${parent}`],
    [suspend === true, "spec.suspend: must not be true: a suspended Sovereign never becomes Ready"],
    [cluster !== undefined, "spec.cluster: must not be set: the playground sets it with --topology hub"],
    [
      billing.auth.secretRef === undefined,
      "spec.billing.auth.secretRef: Required value: the story signs tokens with this Secret",
    ],
    ...foreignTiers.map((id): [boolean, string] => [
      true,
      `spec.tiers: Franchise ${franchise} does not grant tier ${id}`,
    ]),
    [
      role === "Franchised" && tiers.length === 0,
      "spec.tiers: Required value: the story's customer orders the first tier",
    ],
    [
      others.some((other) => other.object.spec.fqdn === fqdn),
      `spec.fqdn: Duplicate value: another Sovereign has ${fqdn}`,
    ],
    [
      others.some(
        (other) =>
          sovereignNamespace(other.object.metadata.name, other.object.spec.namespace) ===
          sovereignNamespace(name, namespace),
      ),
      `spec.namespace: Duplicate value: another Sovereign has ${sovereignNamespace(name, namespace)}`,
    ],
  ];
  return problems.filter(([isProblem]) => isProblem).map(([, message]) => ({ example, message }));
}

/** Parts without which the story cannot run. */
function missingPartProblems(
  { releases, sovereigns, franchises, blueprints }: ExampleSet,
  facts: ExampleFacts,
): ExampleProblem[] {
  const inRole = (role: string) => sovereigns.filter(({ object }) => object.spec.role === role);
  const [franchised] = inRole("Franchised");
  const franchise = franchises.find(
    ({ object }) => object.metadata.name === franchised?.object.spec.franchise,
  );
  const hasFranchisee = franchise?.object.spec.subjects.some(
    ({ kind, name }) => kind === "User" && name === facts.franchisee,
  );
  const missing: [boolean, string][] = [
    [releases.length === 0, "no BillingRelease: add one that names the image to run"],
    [
      inRole("CatalystZero").length === 0,
      "no Sovereign with role CatalystZero: add the one whose schema and API the others are compared with",
    ],
    [inRole("CatalystZero").length > 1, "more than one Sovereign with role CatalystZero: keep one"],
    [franchised === undefined, "no Sovereign with role Franchised: add the one that the story uses"],
    ...(["signed", "unsigned"] as const).map((which): [boolean, string] => [
      !blueprints.some(({ example }) => example.file.endsWith(`-blueprint-${which}.yaml`)),
      `no file *-blueprint-${which}.yaml: add one with a Blueprint`,
    ]),
  ];
  return [
    ...missing.filter(([isMissing]) => isMissing).map(([, message]) => ({ example: undefined, message })),
    ...(franchise === undefined || hasFranchisee === true
      ? []
      : [
          {
            example: franchise.example,
            message: `spec.subjects: Required value: User ${facts.franchisee}, which acts as the Franchisee in the story`,
          },
        ]),
  ];
}

function blueprintProblems(blueprints: ExampleOf<Blueprint>[]): ExampleProblem[] {
  return blueprints.flatMap(({ example, object }) => {
    const { version, source } = object.spec;
    const served = `oci://${imageReference(blueprintArtifact(object.metadata.name, version))}`;
    return source.ref === served
      ? []
      : [
          {
            example,
            message: `spec.source.ref: the playground's registry does not have ${source.ref}; use ${served}`,
          },
        ];
  });
}
