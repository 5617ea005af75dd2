import type { Violation } from "./fact.ts";
import { MAX_OBJECT_DEPTH, surveyOf } from "./object-survey.ts";
import type { AdmissionInput } from "./request.ts";

/** Comes before all other rules, so that these may search the object without a bound of their own. */
export function objectDepthRule({ operation, object }: AdmissionInput): Violation[] {
  const { tooDeepAt } = surveyOf(object);
  return operation === "DELETE" || tooDeepAt === undefined
    ? []
    : [
        {
          rule: "object-depth",
          path: tooDeepAt,
          message: `the object nests deeper than ${MAX_OBJECT_DEPTH} levels, so it cannot be judged; flatten it`,
        },
      ];
}
