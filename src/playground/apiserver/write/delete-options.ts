import { isRecord, type JsonObject, recordOf } from "../object.ts";
import { badRequest, invalidOption } from "../refusal.ts";
import type { Preconditions } from "./precondition.ts";

const POLICIES = ["Foreground", "Background", "Orphan"] as const;

export type Propagation = (typeof POLICIES)[number];

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: Propagation;
  preconditions: Preconditions;
  /** The options as the client sent them, for webhooks. */
  json: JsonObject;
}

/** Reads the options of a DELETE from its body and its query. The body has precedence. */
export function parseDeleteOptions(body: JsonObject, query: URLSearchParams): DeleteOptions {
  const propagationPolicy = parsePolicy(body, query);
  const gracePeriodSeconds = parseGrace(body, query);
  return {
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
    preconditions: parsePreconditions(body),
    json: { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", ...(isRecord(body) ? body : {}) },
  };
}

function parseGrace({ gracePeriodSeconds }: JsonObject, query: URLSearchParams): number | undefined {
  const queried = query.get("gracePeriodSeconds");
  const value = gracePeriodSeconds === undefined && queried !== null ? Number(queried) : gracePeriodSeconds;
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || Number(value) < 0) {
    throw badRequest("gracePeriodSeconds must be a whole number of seconds");
  }
  return Number(value);
}

function parsePolicy(body: JsonObject, query: URLSearchParams): Propagation | undefined {
  const policy =
    body.propagationPolicy === undefined
      ? (query.get("propagationPolicy") ?? undefined)
      : body.propagationPolicy;
  if (policy === undefined) {
    // The older field, which `propagationPolicy` replaced.
    if (body.orphanDependents === undefined) return undefined;
    return body.orphanDependents === true ? "Orphan" : "Background";
  }
  const known = POLICIES.find((candidate) => candidate === String(policy));
  if (known === undefined) {
    const text = `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`;
    throw invalidOption("DeleteOptions", "propagationPolicy", text, "FieldValueNotSupported");
  }
  if (body.orphanDependents !== undefined) {
    const text = `Invalid value: "${known}": orphanDependents and deletionPropagation cannot be both set`;
    throw invalidOption("DeleteOptions", "propagationPolicy", text, "FieldValueInvalid");
  }
  return known;
}

function parsePreconditions(body: JsonObject): Preconditions {
  const { uid, resourceVersion } = recordOf(body.preconditions);
  return {
    ...(typeof uid === "string" ? { uid } : {}),
    ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
  };
}
