import { randomUUID } from "node:crypto";
import { apiVersionOf, isRecord, type JsonObject } from "../object.ts";
import { type StatusDetails, StatusError } from "../status.ts";
import type { AdmissionRequest, GroupVersionResource } from "./request.ts";

const API_VERSION = "admission.k8s.io/v1";

/** The `AdmissionReview` for a webhook; `matchedAs` is the resource in the version that the webhook's rules name. */
export function createReview(
  request: AdmissionRequest,
  matchedAs: GroupVersionResource,
): { uid: string; review: JsonObject } {
  const { kind, resource, subresource, user } = request;
  const uid = randomUUID();
  const { username, uid: userUid, groups, extra } = user;
  const subresources =
    subresource === "" ? {} : { subResource: subresource, requestSubResource: subresource };
  // A subresource such as token has a kind of another group, which stays as it is.
  const isOwnKind = kind.group === resource.group;
  const asVersion = (object: JsonObject | null) => (isOwnKind ? convertedTo(object, matchedAs) : object);
  return {
    uid,
    review: {
      kind: "AdmissionReview",
      apiVersion: API_VERSION,
      request: {
        uid,
        kind: isOwnKind
          ? { group: matchedAs.group, version: matchedAs.version, kind: kind.kind }
          : { ...kind },
        resource: { ...matchedAs },
        ...subresources,
        requestKind: { ...kind },
        requestResource: { ...resource },
        ...(request.name === "" ? {} : { name: request.name }),
        ...(request.namespace === "" ? {} : { namespace: request.namespace }),
        operation: request.operation,
        userInfo: {
          username,
          ...(userUid ? { uid: userUid } : {}),
          groups,
          ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
        },
        object: asVersion(request.object),
        oldObject: asVersion(request.oldObject),
        dryRun: request.dryRun,
        options: request.options,
      },
    },
  };
}

/** The versions of a resource differ only in their `apiVersion`, because the conversion strategy is None. */
export function convertedTo(
  object: JsonObject | null,
  { group, version }: GroupVersionResource,
): JsonObject | null {
  const apiVersion = apiVersionOf(group, version);
  return object === null || object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

export interface ReviewAnswer {
  allowed: boolean;
  result: JsonObject | undefined;
  warnings: string[];
  auditAnnotations: Record<string, string>;
  /** Decoded JSON patch operations; undefined when the webhook changes nothing. */
  patch: JsonObject[] | undefined;
}

/** Throws an Error when the answer is not a review of this request, or has members that it must not have. */
export function parseAnswer(answer: unknown, uid: string, mutating: boolean): ReviewAnswer {
  const { apiVersion, kind, response } = isRecord(answer) ? answer : {};
  if (apiVersion !== API_VERSION || kind !== "AdmissionReview") {
    const [group = "", version = ""] = String(apiVersion ?? "/").split("/");
    throw new Error(
      `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${group}/${version}, Kind=${kind ?? ""}`,
    );
  }
  if (!isRecord(response)) throw new Error("webhook response was absent");
  if (response.uid !== uid) {
    throw new Error(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? "")}`,
    );
  }
  if (mutating) checkPatch(response);
  else checkNoPatch(response);
  const { patch, status, warnings, auditAnnotations } = response;
  return {
    allowed: response.allowed === true,
    result: isRecord(status) ? status : undefined,
    warnings: Array.isArray(warnings) ? warnings.filter((item) => typeof item === "string") : [],
    auditAnnotations: isRecord(auditAnnotations) ? (auditAnnotations as Record<string, string>) : {},
    patch: patch ? decodePatch(patch) : undefined,
  };
}

function checkPatch({ patch, patchType }: JsonObject): void {
  if (patch && patchType === undefined) {
    throw new Error("webhook returned response.patch but not response.patchType");
  }
  if (!patch && patchType !== undefined) {
    throw new Error("webhook returned response.patchType but not response.patch");
  }
  if (patchType !== undefined && patchType !== "JSONPatch") {
    throw new Error(`webhook returned invalid response.patchType of ${JSON.stringify(patchType)}`);
  }
}

function checkNoPatch({ patch, patchType }: JsonObject): void {
  if (patch) throw new Error("validating webhook may not return response.patch");
  if (patchType !== undefined) throw new Error("validating webhook may not return response.patchType");
}

function decodePatch(patch: unknown): JsonObject[] | undefined {
  let operations: unknown;
  try {
    operations = JSON.parse(Buffer.from(String(patch), "base64").toString("utf8"));
  } catch (cause) {
    throw new Error("received undecodable patch in webhook response", { cause });
  }
  if (!Array.isArray(operations) || !operations.every(isRecord)) {
    throw new Error("received undecodable patch in webhook response");
  }
  return operations.length === 0 ? undefined : operations;
}

/** The refusal of a webhook, with the code and reason that it returned. */
export function denial(webhook: string, result: JsonObject = {}): StatusError {
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const { message, reason, code, details } = result;
  const text =
    typeof message === "string" && message !== ""
      ? `${by}: ${message}`
      : typeof reason === "string" && reason !== ""
        ? `${by}: ${reason}`
        : `${by} without explanation`;
  return new StatusError(
    typeof code === "number" && code >= 400 ? code : 400,
    typeof reason === "string" ? reason : "",
    text,
    isRecord(details) ? (details as StatusDetails) : undefined,
  );
}

/** A failure between the API server and a webhook counts as a failure of the server: 500. */
export function internalError(message: string): StatusError {
  return new StatusError(500, "InternalError", `Internal error occurred: ${message}`, {
    causes: [{ message }],
  });
}
