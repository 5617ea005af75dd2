import { BILLING_RELEASE, type BillingRelease } from "../../api/billing-release.ts";
import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../api/environment-policy.ts";
import { FRANCHISE, type Franchise } from "../../api/franchise.ts";
import { API_VERSION } from "../../api/kind.ts";
import { ANNOTATION, LABEL, MANAGED_BY } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import { OFFER_FIELDS } from "../../api/sovereign-offer.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";
import { isRollingOut } from "../billing-release/desired-completion.ts";

/** The objects that the hub keeps on the cluster of one Sovereign. */
export interface DesiredSpoke {
  /** The UID of that cluster. Nothing is written to another one. */
  uid: string;
  /** In the order in which they are applied. The Sovereign is the last. */
  objects: readonly KubernetesObject[];
  /** The Franchisee's fields with which a new Sovereign is created there. */
  offer: Offer;
}

type Offer = Pick<Sovereign["spec"], keyof typeof OFFER_FIELDS>;

/** The fields of a Sovereign that are set on its own cluster. */
export const freeFieldsOf = ({ kind }: KubernetesObject): string[] =>
  kind === SOVEREIGN.kind ? Object.keys(OFFER_FIELDS).map((field) => `spec.${field}`) : [];

interface HubObjects {
  sovereign: Sovereign;
  /** The image that the rollout gives the Sovereign; undefined: none yet. */
  image: string | undefined;
  release: BillingRelease | undefined;
  franchise: Franchise | undefined;
  policies: readonly EnvironmentPolicy[];
  /** The UID of the hub's own cluster. */
  hub: string;
}

/** The objects that the Sovereign's cluster needs, so that the operator there can reconcile and guard it without the hub. */
export function desiredSpoke(uid: string, from: HubObjects): DesiredSpoke {
  const { sovereign, release, franchise, policies } = from;
  // Contains all policies, because only that cluster has the list of its Organizations.
  return {
    uid,
    objects: [
      ...(franchise === undefined ? [] : [copyOf(from, FRANCHISE.kind, franchise)]),
      ...policies.map((policy) => copyOf(from, ENVIRONMENT_POLICY.kind, policy)),
      ...(release === undefined ? [] : [desiredRelease(from, release)]),
      desiredSovereign(from, sovereign),
    ],
    offer: offerOf(sovereign),
  };
}

function copyOf(
  { hub }: HubObjects,
  kind: string,
  { metadata, spec }: KubernetesObject & { spec: unknown },
): KubernetesObject {
  const { name, namespace } = metadata;
  return {
    apiVersion: API_VERSION,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { [LABEL.managedBy]: MANAGED_BY.hub },
      annotations: { [ANNOTATION.hub]: hub },
    },
    spec,
  } as KubernetesObject;
}

function annotated(object: KubernetesObject, name: string, value: string): KubernetesObject {
  const annotations = { ...object.metadata.annotations, [name]: value };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/**
 * The release with the references that were measured on Catalyst-Zero. Leaves out its canaries and stages: they name other
 * Sovereigns, and the hub decides on them.
 */
function desiredRelease(from: HubObjects, release: BillingRelease): KubernetesObject {
  const { canaries: _canaries, stages: _stages, ...rollout } = release.spec.rollout;
  const spec = { ...release.spec, rollout };
  const copy = copyOf(from, BILLING_RELEASE.kind, { ...release, spec });
  const { reference, earlierReferences = [] } = release.status ?? {};
  return reference === undefined
    ? copy
    : annotated(copy, ANNOTATION.references, canonicalJson([reference, ...earlierReferences]));
}

/**
 * The Sovereign as its own cluster needs it. It has no `cluster`, because it is there, and no hold, because the hub decides
 * the image. The fields of its Franchisee are left out too. An annotation says whether the rollout of its image is running.
 * The release may arrive there later than the image, and the requests to the previous image can be counted only until the
 * image changes.
 */
function desiredSovereign(from: HubObjects, sovereign: Sovereign): KubernetesObject {
  const { cluster: _cluster, billing: decided, ...others } = sovereign.spec;
  const { hold: _hold, ...billing } = decided;
  const copy = copyOf(from, SOVEREIGN.kind, { ...sovereign, spec: { ...withoutOffer(others), billing } });
  const { image, release } = from;
  if (image === undefined) return copy;
  const given = annotated(copy, ANNOTATION.image, image);
  const isUnderWay = release !== undefined && isRollingOut(release, image);
  return isUnderWay ? annotated(given, ANNOTATION.rollingOut, image) : given;
}

/**
 * Whether the Sovereign on its cluster has the spec and the image that the hub gives it. Its status there does not depend on
 * the other fields that the hub writes, such as the end of a rollout.
 */
export function isGiven({ objects }: DesiredSpoke, live: Sovereign | undefined): boolean {
  const given = objects.find(({ kind }) => kind === SOVEREIGN.kind) as Sovereign | undefined;
  if (given === undefined || live === undefined) return false;
  const decided = ({ metadata, spec }: Sovereign) =>
    canonicalJson([metadata.annotations?.[ANNOTATION.image] ?? "", withoutOffer(spec)]);
  return decided(live) === decided(given);
}

const withoutOffer = (spec: object): object =>
  Object.fromEntries(Object.entries(spec).filter(([field]) => !isOfferField(field)));

const isOfferField = (field: string): boolean => Object.hasOwn(OFFER_FIELDS, field);

/** The fields of the Franchisee in the hub's own manifest, with which a new Sovereign is created there. */
export const offerOf = ({ spec }: Sovereign): Offer =>
  Object.fromEntries(
    Object.entries(spec).filter(([field, value]) => isOfferField(field) && value !== undefined),
  );
