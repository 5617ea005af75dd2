import { LABEL } from "../../api/label.ts";
import { NAMESPACE_TERMINATING } from "../../kube/failure.ts";
import type { Refusal } from "../readiness.ts";
import type { SovereignCaches } from "./cache.ts";
import { findConflict } from "./conflict.ts";
import type { ReconcileContext } from "./context.ts";
import { namespaceOf } from "./desired-metadata.ts";
import { findClaim } from "./namespace-claim.ts";
import { type Stop, stalled, unknown, waiting } from "./status.ts";

/** Why this operator must not change anything for the Sovereign; undefined when it may reconcile it. */
export async function checkEligibility({
  deps,
  sovereign,
  findings,
}: ReconcileContext): Promise<Stop | undefined> {
  const { spec, metadata } = sovereign;
  if (spec.suspend) {
    return unknown(
      "Suspended",
      "spec.suspend is true: the operator changes nothing; set it to false to continue",
    );
  }
  const conflict = findConflict(deps.caches.sovereigns, sovereign);
  if (conflict !== undefined) return stalled(conflict.reason, conflict.message);
  const claim = await findClaim(deps, sovereign);
  if (claim.kind === "absent") findings.hasNoNamespace = true;
  if (claim.kind !== "foreign") return findTermination(deps.caches, namespaceOf(sovereign));
  return stalled(
    "NamespaceNotOurs" satisfies Refusal,
    `namespace ${namespaceOf(sovereign)} ${claim.why}: delete this Sovereign and create it with another spec.namespace, ` +
      `or label the namespace ${LABEL.sovereign}=${metadata.name}`,
  );
}

/** Why the reconcile must wait while the namespace is being deleted. The API server then creates no objects in it. */
function findTermination({ namespaces }: SovereignCaches, name: string): Stop | undefined {
  if (namespaces.get(name)?.metadata.deletionTimestamp === undefined) return undefined;
  return waiting(
    NAMESPACE_TERMINATING,
    `namespace ${name} is being deleted: remove what holds it up (kubectl get namespace ${name} -o yaml); the operator ` +
      "creates it again afterwards, without its Secrets",
  );
}
