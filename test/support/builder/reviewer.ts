import type { Enforcer } from "../../../src/admission/enforcement.ts";
import { createFactCollector, ORGANIZATION_INDEXES } from "../../../src/admission/fact-collector.ts";
import { createReviewer } from "../../../src/admission/review.ts";
import type { Artifact } from "../../../src/admission/rules/fact.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { INLINE_DRIVERS } from "../../../src/admission/rules/pod-isolation.ts";
import type { AdmissionInput, ReviewedObject } from "../../../src/admission/rules/request.ts";
import type { TrustVerdict } from "../../../src/admission/trust-policy.ts";
import type { Blueprint } from "../../../src/api/blueprint.ts";
import type { Franchise } from "../../../src/api/franchise.ts";
import type { Organization } from "../../../src/api/organization.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { creation, GROUP, NO_READS, verdict } from "./admission-request.ts";
import { franchise, IMAGE, NEXT_IMAGE } from "./catalyst-object.ts";

const NOW = "2026-06-01T00:00:00Z";
const ANSWERS: Record<string, TrustVerdict> = {
  [IMAGE]: { kind: "verified", digest: "sha256:a", by: "key" },
  [NEXT_IMAGE]: { kind: "refused", reason: "next is not signed" },
};

/** A reviewer of a cluster, and the artifacts that it had checked, with the Franchises that could vouch for them. */
export function reviewer({
  franchises = [] as Franchise[],
  organizations = [] as Organization[],
  blueprints = [] as Blueprint[],
  sovereigns = [] as Sovereign[],
  namespaces = { shop: {} } as Record<string, Record<string, string>>,
  live = {} as Record<string, Record<string, string>>,
  repositories = {} as Record<string, ReviewedObject>,
  services = NO_READS.readServices,
  podsAt = NO_READS.readPodsAt,
  secondAddresses = NO_READS.readSecondAddresses,
  enforce = ((_input, _identity, given) => given) as Enforcer,
  judged = verdict(),
  checksAll = false,
} = {}) {
  const checked: [Artifact, string[]][] = [];
  const review = createReviewer({
    ...{ checksAll, judgeInstall: async () => judged },
    collectFacts: createFactCollector({
      lookups: {
        franchises: () => franchises,
        organization: (name) => organizations.find(({ metadata }) => metadata.name === name),
        organizationsBy: (index, key) =>
          organizations.filter((it) => ORGANIZATION_INDEXES[index](it).includes(key)),
        blueprints: () => blueprints,
        sovereigns: () => sovereigns,
        namespaceLabels: (name) => namespaces[name],
        readNamespaceLabels: async (name) => live[name],
        readOciRepository: async ({ namespace, name }) => repositories[`${namespace}/${name}`],
        ...{ ...NO_READS, readServices: services, readPodsAt: podsAt, readSecondAddresses: secondAddresses },
      },
      lists: identityLists(),
      inlineDrivers: INLINE_DRIVERS,
      now: () => new Date(NOW),
    }),
    enforce,
    checkArtifact: async (artifact, acting) => {
      checked.push([artifact, acting.map(({ metadata }) => metadata.name)]);
      return (
        ANSWERS[artifact.reference] ?? { kind: "allowed", digest: "sha256:a", registry: "registry.test" }
      );
    },
  });
  return {
    review,
    checked,
    rulesOf: async (input: AdmissionInput) => (await review(input)).violations.map(({ rule }) => rule),
  };
}

export const granted = (term?: Franchise["spec"]["term"]): Franchise => {
  const { spec, ...rest } = franchise("omantel", term);
  return { ...rest, spec: { ...spec, grants: { branding: true, privateBlueprints: { max: 1 } } } };
};
export const blueprint = (
  name: string,
  namespace: string,
  visibility: Blueprint["spec"]["visibility"],
): Blueprint => ({
  apiVersion: `${GROUP}/v1alpha1`,
  kind: "Blueprint",
  metadata: { name, namespace },
  spec: {
    version: "1.0.0",
    source: { ref: `oci://${IMAGE}` },
    visibility,
    franchise: "omantel",
    card: { title: name },
  },
});
export const organization = (name: string): Organization => ({
  apiVersion: `${GROUP}/v1alpha1`,
  kind: "Organization",
  metadata: { name },
  spec: { displayName: name, owner: "owner", sovereign: "omantel" },
});
export const newBlueprint = creation({
  group: GROUP,
  resource: "blueprints",
  namespace: "catalog-sovereign",
  object: { spec: { visibility: "private", franchise: "omantel", source: { ref: `oci://${IMAGE}` } } },
});
export const pod = (...images: string[]) =>
  creation({ resource: "pods", object: { spec: { containers: images.map((image) => ({ image })) } } });
