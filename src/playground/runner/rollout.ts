/** Pods of one template. */
export interface PodGroup<P> {
  name: string;
  isCurrent: boolean;
  pods: P[];
}

export interface RolloutRules<P> {
  replicas: number;
  maxSurge: number | string;
  maxUnavailable: number | string;
  isAvailable(pod: P): boolean;
  /** Ended by itself: it counts for nothing and is cleared away. */
  isFinished(pod: P): boolean;
  /** On its way out already. */
  isLeaving(pod: P): boolean;
}

export interface RolloutPlan<P> {
  remove: P[];
  /** Pods of the current template to create now. */
  create: number;
}

/**
 * The next move of a rolling update: never more Pods than `replicas + maxSurge`, never fewer available ones than
 * `replicas - maxUnavailable`; old Pods that serve nobody go first and at once.
 */
export function planRollout<P>(groups: PodGroup<P>[], rules: RolloutRules<P>): RolloutPlan<P> {
  const { replicas, isAvailable, isFinished, isLeaving } = rules;
  const finished = groups.flatMap(({ pods }) => pods.filter((pod) => isFinished(pod) && !isLeaving(pod)));
  const active = (group: PodGroup<P>) => group.pods.filter((pod) => !isFinished(pod) && !isLeaving(pod));
  const current = groups.filter(({ isCurrent }) => isCurrent).flatMap(active);
  const old = groups.filter(({ isCurrent }) => !isCurrent).flatMap(active);

  const surge = absolute(rules.maxSurge, replicas, Math.ceil);
  const fewest = replicas - absolute(rules.maxUnavailable, replicas, Math.floor);
  const available = [...current, ...old].filter(isAvailable).length;
  const idle = old.filter((pod) => !isAvailable(pod));
  const dispensable = Math.max(0, available - fewest);
  const serving = old.filter(isAvailable).slice(0, dispensable);
  // Surplus of the current template: the youngest that are not available go first.
  const surplus = [...current]
    .sort((a, b) => Number(isAvailable(a)) - Number(isAvailable(b)))
    .slice(0, Math.max(0, current.length - replicas));

  const staying = old.length - idle.length - serving.length;
  const create = Math.max(
    0,
    Math.min(replicas - current.length, replicas + surge - current.length - staying),
  );
  return { remove: [...finished, ...idle, ...serving, ...surplus], create };
}

function absolute(value: number | string, replicas: number, round: (value: number) => number): number {
  return typeof value === "number" ? value : round((Number.parseInt(value, 10) / 100) * replicas);
}
