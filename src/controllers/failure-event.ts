import { type Condition, findCondition, READY } from "../api/condition.ts";
import type { CatalystObject } from "../api/object.ts";
import type { EventRecorder } from "../kube/event.ts";

/** Records the Event of a failure unless `Ready` says the same already: one Event for each failure, not for each try. */
export function recordFailure(
  events: EventRecorder,
  object: CatalystObject<unknown, { conditions?: Condition[] | undefined }>,
  { reason, message }: { reason: string; message: string },
): void {
  const told = findCondition(object.status?.conditions, READY);
  if (told?.reason !== reason || told.message !== message) events.record(object, "Warning", reason, message);
}
