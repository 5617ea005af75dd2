import { type Condition, findCondition, READY } from "../api/condition.ts";
import type { CatalystObject, KubernetesObject } from "../api/object.ts";
import type { EventRecorder } from "../kube/event.ts";
import type { Failure } from "../kube/failure.ts";

/** Records the Event of a failure, unless `Ready` already says the same: one Event for each failure, not for each try. */
export function recordFailure(
  events: EventRecorder,
  object: CatalystObject<unknown, { conditions?: Condition[] | undefined }>,
  { reason, message }: { reason: string; message: string },
): void {
  const current = findCondition(object.status?.conditions, READY);
  if (current?.reason !== reason || current.message !== message)
    events.record(object, "Warning", reason, message);
}

/** Records an Event for each failure of a controller whose objects have no status. */
export const failureEvents =
  (events: EventRecorder, find: (key: string) => KubernetesObject | undefined) =>
  (key: string, { reason, message }: Failure): void => {
    const object = find(key);
    if (object !== undefined) events.record(object, "Warning", reason, message);
  };
