import { ANNOTATION, isFromHub, LABEL, MANAGED_BY } from "../../api/label.ts";
import { HUB_NAME } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN } from "../../api/sovereign.ts";
import { createApplier } from "../../kube/apply.ts";
import type { OwnedObject } from "../../kube/foreign-field.ts";
import { withForeignFields } from "../../kube/informer.ts";
import { keyOf, resourceOf, resourceOfManifest } from "../../kube/resource.ts";
import { type DesiredSpoke, freeFieldsOf } from "./desired-spoke.ts";
import { liveObject, type SpokeSession } from "./session.ts";

/** An object on the cluster has the name of one of the hub's objects, but does not belong to the hub. */
export class SpokeObjectNotOurs extends Error {
  override readonly name = "SpokeObjectNotOurs";
}

/**
 * The field manager that creates the Sovereign with the Franchisee's fields, and owns none afterwards. The Franchisee can
 * then apply them server-side without force.
 */
const OFFER_MANAGER = `${HUB_NAME}-offer`;

/** Writes the hub's objects on one cluster, for one session. */
export interface SpokeWriter {
  apply(wanted: DesiredSpoke): Promise<void>;
  /** Deletes the hub's Sovereign there. Resolves with true once it is deleted. */
  removeSovereign(name: string): Promise<boolean>;
  /**
   * Deletes the hub's objects that no Sovereign needs. Deletes nothing while the hub has a Sovereign there that
   * `desiredByName` lacks.
   */
  prune(desiredByName: ReadonlyMap<string, DesiredSpoke>): Promise<void>;
}

export function createSpokeWriter(
  session: SpokeSession,
  deps: { hub: string; now: () => Date },
): SpokeWriter {
  const { hub, now } = deps;
  const { client, caches } = session;
  const applier = createApplier({ client, fieldManager: HUB_NAME, now, freeFields: freeFieldsOf });
  const sovereigns = resourceOf(SOVEREIGN);
  const lean = withForeignFields<KubernetesObject>(HUB_NAME);

  /** One of the two marks is enough. The hub restores the other one after a client removed it. */
  function isOurs({ metadata, ...object }: KubernetesObject): boolean {
    const owner = metadata.annotations?.[ANNOTATION.hub];
    return owner === undefined ? isFromHub({ metadata, ...object }) : owner === hub;
  }

  /** Reads an object that the cache lacks: it may just have been created there, by another client. */
  async function readLive(desired: KubernetesObject): Promise<KubernetesObject | undefined> {
    const found = await client.get<KubernetesObject>(resourceOfManifest(desired), desired.metadata);
    return found && lean(found);
  }

  /** Creates the Sovereign with the Franchisee's fields. Afterwards the hub owns its own fields only. */
  async function createSovereign(desired: KubernetesObject, { offer }: DesiredSpoke): Promise<void> {
    const { spec, ...rest } = desired as KubernetesObject & { spec: object };
    const first = { ...rest, spec: { ...spec, ...offer } } as KubernetesObject;
    await client.apply(sovereigns, first, { fieldManager: OFFER_MANAGER, force: false });
    await applier.apply(desired, undefined);
    await releaseOffer(desired.metadata.name);
  }

  /**
   * Removes the entry as the last step. For an object without any entry, the API server gives all fields to a manager of
   * its own.
   */
  async function releaseOffer(name: string): Promise<void> {
    const live = await client.get<OwnedObject>(sovereigns, { name });
    if (live === undefined || !hasOfferManager(live)) return;
    const { resourceVersion, managedFields = [] } = live.metadata;
    const kept = managedFields.filter(({ manager }) => manager !== OFFER_MANAGER);
    await client.mergePatch(sovereigns, { name }, { metadata: { resourceVersion, managedFields: kept } });
  }

  return {
    async apply(wanted) {
      for (const desired of wanted.objects) {
        const live = liveObject(session, desired) ?? (await readLive(desired));
        if (live !== undefined && !isOurs(live))
          throw new SpokeObjectNotOurs(
            `${desired.kind} ${keyOf(desired.metadata)} exists and does not come from this hub: delete it, or give it the label ${LABEL.managedBy}=${MANAGED_BY.hub} and no annotation ${ANNOTATION.hub}, and the hub takes it over`,
          );
        const isNew =
          desired.kind === SOVEREIGN.kind && live === undefined && Object.keys(wanted.offer).length > 0;
        if (isNew) await createSovereign(desired, wanted);
        else await applier.apply(desired, live);
        // The hub stopped between the creation and the removal of the entry.
        if (live !== undefined && hasOfferManager(live)) await releaseOffer(live.metadata.name);
      }
    },
    async removeSovereign(name) {
      const live = await client.get(sovereigns, { name });
      // While the cache still has it, the deletion event is still to come, and its objects cannot be pruned yet.
      if (live === undefined) return caches.sovereigns.get(name) === undefined;
      if (!isOurs(live)) return true;
      const { uid, deletionTimestamp } = live.metadata;
      if (deletionTimestamp === undefined) await client.delete(sovereigns, { name }, { uid });
      return false;
    },
    async prune(desiredByName) {
      const strangers = caches.sovereigns
        .list()
        .filter((live) => isOurs(live) && !desiredByName.has(live.metadata.name));
      if (strangers.length > 0) return;
      const desired = [...desiredByName.values()].flatMap(({ objects }) => objects);
      const owned = caches.others.flatMap((cache) => cache.list().filter(isOurs));
      await applier.prune(desired, owned);
    },
  };
}

const hasOfferManager = ({ metadata }: OwnedObject): boolean =>
  metadata.managedFields?.some(({ manager }) => manager === OFFER_MANAGER) === true;
