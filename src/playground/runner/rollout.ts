/** One ReplicaSet of a Deployment. */
export interface RolloutSet {
  name: string;
  isCurrent: boolean;
  /** `spec.replicas`. */
  size: number;
  /** How many of its Pods are available. */
  available: number;
  /** How many of its Pods exist, terminating ones included. */
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
 * The next step of a rollout: the size that each ReplicaSet should have. `sets` is sorted oldest first.
 *
 * - `RollingUpdate` never has more Pods than `replicas + maxSurge`, nor fewer available ones than `replicas - maxUnavailable`.
 *   It removes old Pods that are not available at once.
 * - `Recreate` starts no new Pod before all old ones are gone.
 * - A paused Deployment follows `replicas` only; in the middle of a rollout it changes nothing.
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
  // With both limits at zero the rollout could not start. As in Kubernetes, one Pod may then be unavailable.
  const fewest = replicas - (surge === 0 && unavailable === 0 ? 1 : unavailable);
  const available = sets.reduce((sum, set) => sum + Math.min(set.available, set.size), 0);
  let removable = Math.max(0, available - fewest);
  const sizes = new Map<string, number>();
  for (const { name, size, available: ready } of old) {
    const useful = Math.min(ready, size);
    const leaving = Math.min(useful, removable);
    removable -= leaving;
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
