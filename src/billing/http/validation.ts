import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import type { TSchema } from "typebox";
import { UUID } from "../db/uuid.ts";
import { type FieldError, RequestError } from "../errors.ts";

// RFC 3339 with a zone and a year of four digits: PostgreSQL and JavaScript parse it alike. With finer digits than milliseconds
// they would not parse the same instant.
const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3}0{0,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)$/;
const DATE_TIME_RULE =
  "must be an instant such as 2026-01-31T09:30:00Z or 2026-01-31T13:30:00.125+04:00: with a zone, in the years 1 to 9999 in UTC, no finer than milliseconds";

const FIRST_MS = Date.parse("0001-01-01T00:00:00Z");
const END_MS = Date.UTC(10_000, 0);

/**
 * Also checks that the day exists, because `Date` reads February 30th as March 2nd, and that the year has four digits in UTC
 * too, because answers are written in UTC.
 */
function isDateTime(text: string): boolean {
  const match = DATE_TIME.exec(text);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0] = match.slice(1, 4).map(Number);
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  const instantMs = Date.parse(text);
  return year > 0 && isDay && instantMs >= FIRST_MS && instantMs < END_MS;
}

/** One validator for the process. It uses the same schemas as the API's description. */
export function createValidator() {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, allowUnionTypes: true });
  ajv.addFormat("date-time", isDateTime);
  ajv.addFormat("uuid", UUID);

  return {
    /** Returns a check that throws `request_invalid` with each field and its rule. */
    compile(schema: TSchema): (value: unknown) => void {
      const validate: ValidateFunction = ajv.compile(JSON.parse(JSON.stringify(schema)));
      return (value) => {
        if (validate(value)) return;
        const fields = (validate.errors ?? []).filter(isTelling).slice(0, 20).map(fieldErrorOf);
        const violations = fields.map(({ field, rule }) => `${field || "the body"} ${rule}`).join("; ");
        throw new RequestError("request_invalid", `${violations}: see /openapi.json`, { fields });
      };
    },
  };
}

export type Validator = ReturnType<typeof createValidator>;

/** Whether an error helps a client. Each branch of a union reports one, and that of the null branch does not help. */
function isTelling(error: ErrorObject): boolean {
  return error.keyword !== "anyOf" && !(error.keyword === "type" && error.params.type === "null");
}

function fieldErrorOf(error: ErrorObject): FieldError {
  const { keyword, params, instancePath, message = "is not valid" } = error;
  if (keyword === "additionalProperties") {
    return {
      field: `${instancePath}/${params.additionalProperty}`.slice(0, 200),
      rule: "is not a known member",
    };
  }
  if (keyword === "required")
    return { field: `${instancePath}/${params.missingProperty}`, rule: "is required" };
  if (keyword === "format" && params.format === "date-time")
    return { field: instancePath, rule: DATE_TIME_RULE };
  return { field: instancePath, rule: message };
}
