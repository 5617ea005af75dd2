import type { Deployment, ReplicaSet } from "./workload.ts";

// Kubernetes' own names: `kubectl rollout history` and `undo` read them.
const REVISION = "deployment.kubernetes.io/revision";
const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
const NOT_COPIED = new Set(["kubectl.kubernetes.io/last-applied-configuration", REVISION, REVISION_HISTORY]);

const revisionOf = ({ metadata }: ReplicaSet | Deployment): number =>
  Number(metadata.annotations?.[REVISION] ?? 0);

/** Oldest revision first. */
export const byRevision = (a: ReplicaSet, b: ReplicaSet): number => revisionOf(a) - revisionOf(b);

/**
 * The annotations of the ReplicaSet that carries a Deployment's template: the Deployment's own (the change cause, for
 * example) and the newest revision. A template that is used again keeps its earlier revisions in the history annotation.
 */
export function desiredSetAnnotations(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  others: readonly ReplicaSet[],
): Record<string, string> {
  const highest = Math.max(0, ...others.map(revisionOf));
  const before = current === undefined ? 0 : revisionOf(current);
  const revision = before > highest ? before : highest + 1;
  const known = current?.metadata.annotations?.[REVISION_HISTORY];
  const history = [
    ...(known === undefined ? [] : [known]),
    ...(before === 0 || before === revision ? [] : [before]),
  ];
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(
    ([name]) => !NOT_COPIED.has(name),
  );
  return {
    ...Object.fromEntries(copied),
    [REVISION]: String(revision),
    ...(history.length === 0 ? {} : { [REVISION_HISTORY]: history.join(",") }),
  };
}

/** The Deployment's revision annotation when it must change; undefined when it is right. */
export function desiredRevision(
  deployment: Deployment,
  current: ReplicaSet,
): Record<string, string> | undefined {
  const revision = revisionOf(current);
  return revision === revisionOf(deployment) ? undefined : { [REVISION]: String(revision) };
}

/** The old ReplicaSets to delete: the oldest of those without Pods, beyond the history limit. */
export function surplusHistory(old: readonly ReplicaSet[], limit: number): ReplicaSet[] {
  const idle = old.filter(
    ({ spec, status }) => spec.replicas === 0 && ((status as { replicas?: number })?.replicas ?? 0) === 0,
  );
  return [...idle].sort(byRevision).slice(0, Math.max(0, idle.length - limit));
}
