import { LABEL } from "../../../api/label.ts";
import { namespaceOf } from "../desired-metadata.ts";
import { type Stop, stalled, unknown } from "../status.ts";
import type { Step } from "./step.ts";

/** Why this operator leaves the Sovereign alone; undefined when it is its own to reconcile. */
export function checkReach(step: Step): Stop | undefined {
  const { spec } = step.sovereign;
  if (spec.suspend) return unknown("Suspended", "spec.suspend is true: nothing is changed until it is false");
  if (spec.cluster !== undefined) {
    return unknown(
      "RemoteCluster",
      "spec.cluster names another cluster: this operator reconciles its own cluster only",
    );
  }
  return foreignNamespace(step);
}

/** A namespace that somebody else made is not taken over: what lies in it may be theirs. */
function foreignNamespace({ deps, sovereign }: Step): Stop | undefined {
  const namespace = namespaceOf(sovereign);
  const { name } = sovereign.metadata;
  const live = deps.caches.namespaces.get(namespace);
  const owner = live?.metadata.labels?.[LABEL.sovereign];
  if (live === undefined || owner === name) return undefined;
  return stalled(
    "NamespaceNotOurs",
    `namespace ${namespace} ${owner === undefined ? "exists already" : `belongs to Sovereign ${owner}`}: choose another spec.namespace, or label it ${LABEL.sovereign}=${name}`,
  );
}
