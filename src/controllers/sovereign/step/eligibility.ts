import { LABEL } from "../../../api/label.ts";
import type { KubernetesObject } from "../../../api/object.ts";
import type { Sovereign } from "../../../api/sovereign.ts";
import { NAMESPACES } from "../../../kube/resource.ts";
import { findRivalry } from "../conflict.ts";
import type { SovereignDeps } from "../dependency.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { type Stop, stalled, unknown } from "../status.ts";
import type { Step } from "./step.ts";

/** Why this operator leaves the Sovereign alone; undefined when it is its own to reconcile. */
export async function checkReach({ deps, sovereign }: Step): Promise<Stop | undefined> {
  const { spec, metadata } = sovereign;
  if (spec.suspend) return unknown("Suspended", "spec.suspend is true: nothing is changed until it is false");
  if (spec.cluster !== undefined) {
    return unknown(
      "RemoteCluster",
      "spec.cluster names another cluster: this operator reconciles its own cluster only",
    );
  }
  const rivalry = findRivalry(deps.caches.sovereigns, sovereign);
  if (rivalry !== undefined) return stalled(rivalry.reason, rivalry.message);
  const foreigner = await findForeigner(deps, sovereign);
  if (foreigner === undefined) return undefined;
  return stalled(
    "NamespaceNotOurs",
    `namespace ${namespaceOf(sovereign)} ${foreigner}: choose another spec.namespace, or label it ${LABEL.sovereign}=${metadata.name}`,
  );
}

/** Whose the namespace is, if somebody else's. It is not taken over, nor emptied: what lies in it may be theirs. */
export async function findForeigner(
  { caches, client }: SovereignDeps,
  sovereign: Sovereign,
): Promise<string | undefined> {
  const name = namespaceOf(sovereign);
  const live = caches.namespaces.get(name) ?? (await client.get<KubernetesObject>(NAMESPACES, { name }));
  if (live === undefined) return undefined;
  const { [LABEL.sovereign]: owner, [LABEL.organization]: organization } = live.metadata.labels ?? {};
  // An Organization's namespaces say which Sovereign they are on.
  if (organization !== undefined) return `belongs to Organization ${organization}`;
  if (owner === undefined) return "exists already";
  return owner === sovereign.metadata.name ? undefined : `belongs to Sovereign ${owner}`;
}
