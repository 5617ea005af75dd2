import type { ApiObject, JsonObject } from "../object.ts";

// core/v1 and events.k8s.io/v1 have different names for the same members of an Event. The form of core/v1 is stored.
const NAMES: readonly [core: string, events: string][] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

function renamed(object: ApiObject, apiVersion: string, from: 0 | 1): ApiObject {
  const names = new Map(NAMES.map((pair) => [pair[from], pair[1 - from] as string]));
  const out: JsonObject = {};
  for (const [member, value] of Object.entries(object)) out[names.get(member) ?? member] = value;
  return { ...(out as ApiObject), apiVersion };
}

export const eventConversion = {
  toStorage: (object: ApiObject) => renamed(object, "v1", 1),
  fromStorage: (object: ApiObject) => renamed(object, "events.k8s.io/v1", 0),
};
