import type { Violation } from "./fact.ts";
import { findPodSpecs, MAX_OBJECT_DEPTH } from "./pod-template.ts";
import type { AdmissionInput } from "./request.ts";

/** Comes before all other rules, which then may walk through the object. */
export function objectDepthRule({ operation, object }: AdmissionInput): Violation[] {
  const search = findPodSpecs(object);
  return operation === "DELETE" || search.kind === "found"
    ? []
    : [
        {
          rule: "object-depth",
          path: search.path,
          message: `the object nests deeper than ${MAX_OBJECT_DEPTH} levels, so it cannot be judged; flatten it`,
        },
      ];
}
