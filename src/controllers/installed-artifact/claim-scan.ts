import type { IdentityLists } from "../../admission/rules/identity.ts";
import { isForeignNamespace, placeOfNamespace } from "../../admission/rules/place.ts";
import { namesByHost } from "../../admission/rules/sovereign-host.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Organization } from "../../api/organization.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { listPagesIfServed } from "../../kube/optional-kind.ts";
import {
  ENDPOINT_SLICES,
  GATEWAY_KINDS,
  INGRESSES,
  PODS,
  type Resource,
  SERVICES,
} from "../../kube/resource.ts";
import { isRecent } from "../../platform/recent.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { isJudgedPlace } from "./desired-check.ts";
import {
  addressesOf,
  type ClaimFacts,
  claimOf,
  forbiddenClaim,
  type PodAddresses,
  podAddresses,
} from "./desired-claim.ts";
import type { Finding } from "./desired-report.ts";

export interface ClaimScanDeps {
  client: Pick<KubeClient, "list" | "listPages">;
  namespaces: Informer<KubernetesObject>;
  sovereigns: Informer<Sovereign>;
  organizations: Informer<Organization>;
  lists: IdentityLists;
  now: () => Date;
}

const KINDS = [INGRESSES, ...GATEWAY_KINDS, SERVICES, ENDPOINT_SLICES];
/** All namespaces are checked at about the same time, so one reading serves them. */
const MAX_AGE_MS = 5 * 60_000;

type Addresses = ClaimFacts["takenAddresses"];
const EVERY_ADDRESS: Addresses = { has: () => true };

/** An object that may claim what belongs to others. */
interface Claim {
  namespace: string;
  resource: Resource;
  object: KubernetesObject;
}

/** The guarded namespaces of each address that their Services and EndpointSlices have. */
type Owners = Map<string, Set<string>>;

/** The facts of a tenant who works in a namespace. */
type FactsOf = (namespace: string, takenAddresses: Addresses) => ClaimFacts;

/**
 * Finds the objects in a namespace that claim a host or an address of others: Ingresses, Services, EndpointSlices, Gateways
 * and routes. They came in while the webhook was away, or the host or address became another's later. Lists each kind once
 * for all namespaces: a list for each namespace would nearly double the requests.
 */
export function createClaimScan(deps: ClaimScanDeps): (namespace: string) => Promise<readonly Finding[]> {
  const { client, namespaces, sovereigns, organizations, lists, now } = deps;
  let newest: { atMs: number; findings: ReadonlyMap<string, readonly Finding[]> } | undefined;

  const placeOf = (name: string) => {
    const found = namespaces.get(name);
    return placeOfNamespace(name, found === undefined ? undefined : (found.metadata.labels ?? {}), lists);
  };

  function createFacts(): FactsOf {
    const sovereignHosts = namesByHost(sovereigns.list());
    const isOrganization = { has: (name: string) => organizations.get(name) !== undefined };
    return (namespace, takenAddresses) => {
      const place = placeOf(namespace);
      const isMember = (name: string) => "organization" in place && place.organization === name;
      return {
        ...{ place, sovereignHosts, takenAddresses, lists },
        isForeignNamespace: (name) =>
          name !== namespace &&
          isForeignNamespace(name, placeOf(name), { isMember, organizations: isOrganization, lists }),
      };
    };
  }

  /** Undefined: nothing of it could belong to others. */
  function claimIn(item: KubernetesObject, resource: Resource, factsOf: FactsOf): Claim | undefined {
    const { namespace = "" } = item.metadata;
    if (!isJudgedPlace(placeOf(namespace))) return undefined;
    const object = claimOf(item);
    const found = forbiddenClaim(object, resource, factsOf(namespace, EVERY_ADDRESS));
    return found.length === 0 ? undefined : { namespace, resource, object };
  }

  async function read(factsOf: FactsOf): Promise<{ claims: Claim[]; owners: Owners }> {
    const owners: Owners = new Map();
    const claims: Claim[] = [];
    for (const resource of KINDS) {
      let ofKind: Claim[] = [];
      await listPagesIfServed<KubernetesObject>(client, resource, (page, isFirst) => {
        if (isFirst) ofKind = [];
        for (const item of page) {
          const { namespace = "" } = item.metadata;
          if (placeOf(namespace).kind !== "ordinary") addOwner(owners, addressesOf(item), namespace);
          const claim = claimIn(item, resource, factsOf);
          if (claim !== undefined) ofKind.push(claim);
        }
      });
      claims.push(...ofKind);
    }
    return { claims, owners };
  }

  /** The addresses that others have, as seen from `namespace`. */
  function addressesOfOthers(
    owners: Owners,
    namespace: string,
    factsOf: FactsOf,
    { ofNodes, all }: PodAddresses,
  ): Addresses {
    const { isForeignNamespace: isForeign } = factsOf(namespace, EVERY_ADDRESS);
    return {
      has: (address) =>
        !ofNodes.has(address) &&
        [...(owners.get(address) ?? [])].some(
          // An EndpointSlice of another tenant may name the Pods of this one.
          (owner) => isForeign(owner) && !(all.has(address) && isJudgedPlace(placeOf(owner))),
        ),
    };
  }

  const scan = createSingleFlight(async () => {
    const factsOf = createFacts();
    const { claims, owners } = await read(factsOf);
    const readPods = createPodAddressReader(client);
    const findings = new Map<string, Finding[]>();
    for (const { namespace, resource, object } of claims) {
      const judge = (pods: PodAddresses) =>
        forbiddenClaim(
          object,
          resource,
          factsOf(namespace, addressesOfOthers(owners, namespace, factsOf, pods)),
        )[0];
      let violation = judge(NO_PODS);
      if (violation !== undefined && resource === ENDPOINT_SLICES)
        violation = judge(await readPods(namespace));
      if (violation === undefined) continue;
      const { rule, path, message } = violation;
      const finding: Finding = { object, rule, category: "claim", message: `${path}: ${message}` };
      findings.set(namespace, [...(findings.get(namespace) ?? []), finding]);
    }
    newest = { atMs: now().getTime(), findings };
    return newest;
  });

  return async function findClaims(namespace) {
    const isFresh = newest !== undefined && isRecent(newest.atMs, now().getTime(), MAX_AGE_MS);
    const { findings } = newest !== undefined && isFresh ? newest : await scan();
    return findings.get(namespace) ?? [];
  };
}

function addOwner(owners: Owners, addresses: readonly string[], namespace: string): void {
  for (const address of addresses) {
    const known = owners.get(address);
    if (known === undefined) owners.set(address, new Set([namespace]));
    else known.add(namespace);
  }
}

const NO_PODS = podAddresses([]);

/** The addresses of a namespace's Pods. Each namespace is read once. */
function createPodAddressReader(client: ClaimScanDeps["client"]) {
  const known = new Map<string, PodAddresses>();
  return async function readPods(namespace: string): Promise<PodAddresses> {
    const found = known.get(namespace) ?? podAddresses((await client.list(PODS, { namespace })).items);
    known.set(namespace, found);
    return found;
  };
}
