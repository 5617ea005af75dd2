/** One ReplicaSet of a Deployment. */
export interface RolloutSet {
  name: string;
  isCurrent: boolean;
  /** How many Pods it is to have now. */
  size: number;
  /** How many of them serve. */
  available: number;
  /** How many there are still, also on their way out. */
  present: number;
}

export interface RolloutRules {
  replicas: number;
  strategy: "RollingUpdate" | "Recreate";
  maxSurge: number | string;
  maxUnavailable: number | string;
  paused: boolean;
}

/**
 * The next move of a rollout: the size that each ReplicaSet should have. `sets` stand oldest first. A rolling update
 * never has more Pods than `replicas + maxSurge`, nor fewer available ones than `replicas - maxUnavailable`; old Pods that
 * serve nobody go first and at once. `Recreate` starts nothing before the old ones are gone. A paused Deployment moves
 * nothing but its size, and in the middle of a rollout not even that.
 */
export function planRollout(sets: readonly RolloutSet[], rules: RolloutRules): Map<string, number> {
  const { replicas, strategy, paused } = rules;
  if (paused) return planPaused(sets, replicas);
  const old = sets.filter(({ isCurrent }) => !isCurrent);
  const current = sets.filter(({ isCurrent }) => isCurrent);
  if (strategy === "Recreate") {
    const isClear = old.every(({ present }) => present === 0);
    return new Map([
      ...old.map(({ name }): [string, number] => [name, 0]),
      ...current.map(({ name, size }): [string, number] => [
        name,
        isClear ? replicas : Math.min(size, replicas),
      ]),
    ]);
  }
  const surge = absolute(rules.maxSurge, replicas, Math.ceil);
  const unavailable = absolute(rules.maxUnavailable, replicas, Math.floor);
  // Both zero would never move; Kubernetes lets one be missing then.
  const fewest = replicas - (surge === 0 && unavailable === 0 ? 1 : unavailable);
  const available = sets.reduce((sum, set) => sum + Math.min(set.available, set.size), 0);
  let dispensable = Math.max(0, available - fewest);
  const sizes = new Map<string, number>();
  for (const { name, size, available: serving } of old) {
    const useful = Math.min(serving, size);
    const leaving = Math.min(useful, dispensable);
    dispensable -= leaving;
    sizes.set(name, useful - leaving);
  }
  const staying = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  for (const { name, size } of current) {
    const room = Math.min(replicas, replicas + surge - staying);
    sizes.set(name, Math.max(Math.min(size, replicas), room, 0));
  }
  return sizes;
}

function planPaused(sets: readonly RolloutSet[], replicas: number): Map<string, number> {
  const active = sets.filter(({ size }) => size > 0);
  const [only] = active.length === 0 ? sets.slice(-1) : active;
  const isMidway = active.length > 1;
  return new Map(sets.map(({ name, size }) => [name, !isMidway && name === only?.name ? replicas : size]));
}

function absolute(value: number | string, replicas: number, round: (value: number) => number): number {
  return typeof value === "number" ? value : round((Number.parseInt(value, 10) / 100) * replicas);
}
