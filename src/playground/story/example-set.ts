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

/** What is wrong with examples that each are well-formed: what they name must be there, and be enough for the story. */
export interface ExampleProblem {
  /** Undefined: what is wrong lies in no one file. */
  example: Example | undefined;
  message: string;
}

export interface ExampleFacts {
  /** Images that this machine can run, by `repository@sha256:…`. */
  images: readonly string[];
  /** The user that the story lets act as the Franchisee. */
  franchisee: string;
}

/** Kinds that the story applies; another one in the folder would be forgotten without a word. */
const APPLIED = ["ConfigMap", "BillingRelease", "Franchise", "Sovereign", "EnvironmentPolicy", "Blueprint"];
/** What is there before the examples are. */
const NAMESPACES = ["default", SYSTEM_NAMESPACE, CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE];

export function exampleSetProblems(examples: readonly Example[], facts: ExampleFacts): ExampleProblem[] {
  const set = sorted(examples);
  return [
    ...examples.flatMap((example, index) => placeProblems(example, examples.slice(0, index))),
    ...set.releases.flatMap((it) => releaseProblems(it, facts)),
    ...set.sovereigns.flatMap((it) => sovereignProblems(it, set)),
    ...castProblems(set, facts),
    ...blueprintProblems(set.blueprints),
  ];
}

interface Of<T> {
  example: Example;
  object: T;
}

function sorted(examples: readonly Example[]) {
  const of = <T extends KubernetesObject>(kind: string): Of<T>[] =>
    examples
      .filter(({ manifest }) => manifest.kind === kind)
      .map((example) => ({ example, object: example.manifest as T }));
  return {
    releases: of<BillingRelease>("BillingRelease"),
    sovereigns: of<Sovereign>("Sovereign"),
    franchises: of<Franchise>("Franchise"),
    blueprints: of<Blueprint>("Blueprint"),
  };
}
type ExampleSet = ReturnType<typeof sorted>;

function placeProblems(example: Example, before: readonly Example[]): ExampleProblem[] {
  const { kind, metadata } = example.manifest;
  const say = (message: string): ExampleProblem[] => [{ example, message }];
  if (!APPLIED.includes(kind)) return say(`kind: the story applies ${APPLIED.join(", ")} and no ${kind}`);
  if (metadata.namespace !== undefined && !NAMESPACES.includes(metadata.namespace))
    return say(`metadata.namespace: ${metadata.namespace} is not there: ${NAMESPACES.join(", ")} are`);
  const twin = before.find(
    ({ manifest }) =>
      manifest.kind === kind &&
      manifest.metadata.name === metadata.name &&
      manifest.metadata.namespace === metadata.namespace,
  );
  return twin === undefined ? [] : say(`metadata.name: Duplicate value: ${twin.file} has it too`);
}

function releaseProblems(
  { example, object }: Of<BillingRelease>,
  { images }: ExampleFacts,
): ExampleProblem[] {
  const { image } = object.spec;
  return images.includes(image)
    ? []
    : [{ example, message: `spec.image: this machine does not have ${image}, only ${images.join(", ")}` }];
}

function sovereignProblems({ example, object }: Of<Sovereign>, set: ExampleSet): ExampleProblem[] {
  const { billing, franchise, parent, role, suspend, cluster, tiers = [], fqdn, namespace } = object.spec;
  const { name } = object.metadata;
  const others = set.sovereigns.filter((other) => other.object !== object);
  const isThere = (list: Of<KubernetesObject>[], wanted: string) =>
    list.some((it) => it.object.metadata.name === wanted);
  const opened = set.franchises.find((it) => it.object.metadata.name === franchise)?.object.spec.grants.tiers;
  const foreignTiers = tiers
    .map(({ id }) => id)
    .filter((id) => opened !== undefined && !opened.includes("*") && !opened.includes(id));
  const problems: [boolean, string][] = [
    [!isThere(set.releases, billing.release), `spec.billing.release: no BillingRelease ${billing.release}`],
    [
      franchise !== undefined && !isThere(set.franchises, franchise),
      `spec.franchise: no Franchise ${franchise}`,
    ],
    [parent !== undefined && !isThere(others, parent), `spec.parent: no other Sovereign ${parent}`],
    [suspend === true, "spec.suspend: a suspended Sovereign never becomes Ready"],
    [cluster !== undefined, "spec.cluster: the playground has one cluster, this one"],
    [
      billing.auth.secretRef === undefined,
      "spec.billing.auth.secretRef: Required value: the story signs people in with it",
    ],
    ...foreignTiers.map((id): [boolean, string] => [
      true,
      `spec.tiers: Franchise ${franchise} opens no tier ${id}`,
    ]),
    [
      role === "Franchised" && tiers.length === 0,
      "spec.tiers: Required value: the story's customer orders the first of them",
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
  return problems.filter(([holds]) => holds).map(([, message]) => ({ example, message }));
}

/** Who has to be there for the story to be told at all. */
function castProblems(
  { releases, sovereigns, franchises, blueprints }: ExampleSet,
  facts: ExampleFacts,
): ExampleProblem[] {
  const inRole = (role: string) => sovereigns.filter(({ object }) => object.spec.role === role);
  const [hero] = inRole("Franchised");
  const agreement = franchises.find(({ object }) => object.metadata.name === hero?.object.spec.franchise);
  const acts = agreement?.object.spec.subjects.some(
    ({ kind, name }) => kind === "User" && name === facts.franchisee,
  );
  const missing: [boolean, string][] = [
    [releases.length === 0, "no BillingRelease: nothing names the image to run"],
    [
      inRole("CatalystZero").length === 0,
      "no Sovereign with role CatalystZero: nothing to measure the others by",
    ],
    [inRole("CatalystZero").length > 1, "more than one Sovereign with role CatalystZero"],
    [hero === undefined, "no Sovereign with role Franchised: the story is told on one"],
    ...(["signed", "unsigned"] as const).map((which): [boolean, string] => [
      !blueprints.some(({ example }) => example.file.endsWith(`-blueprint-${which}.yaml`)),
      `no file *-blueprint-${which}.yaml with a Blueprint`,
    ]),
  ];
  return [
    ...missing.filter(([holds]) => holds).map(([, message]) => ({ example: undefined, message })),
    ...(agreement === undefined || acts === true
      ? []
      : [
          {
            example: agreement.example,
            message: `spec.subjects: Required value: User ${facts.franchisee}, as whom the story acts`,
          },
        ]),
  ];
}

function blueprintProblems(blueprints: Of<Blueprint>[]): ExampleProblem[] {
  return blueprints.flatMap(({ example, object }) => {
    const { version, source } = object.spec;
    const served = `oci://${imageReference(blueprintArtifact(object.metadata.name, version))}`;
    return source.ref === served
      ? []
      : [
          {
            example,
            message: `spec.source.ref: this machine's registry has ${served} and not ${source.ref}`,
          },
        ];
  });
}
