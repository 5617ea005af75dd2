import type { UserInfo } from "../access/user.ts";
import type { JsonObject } from "../object.ts";
import { invalidOption } from "../refusal.ts";
import type { ResourceType } from "../resource-type.ts";

type FieldValidation = "Ignore" | "Warn" | "Strict";

/** A write: the user, the object and the options. */
export interface WriteRequest {
  user: UserInfo;
  type: ResourceType;
  /** Empty for the object itself. */
  subresource: "" | "status" | "scale" | "finalize" | "token";
  namespace: string;
  /** Empty on a create: the object has its name, or the server generates one. */
  name: string;
  dryRun: boolean;
  /** The field manager that will own the fields that this write changes. */
  fieldManager: string;
  fieldValidation: FieldValidation;
  /** Whether the request is a PATCH. Kubernetes refuses some of its results with another code than those of a PUT. */
  isPatch?: boolean;
  /** Becomes a `Warning` header of the answer. */
  warn(text: string): void;
}

export interface WriteOptions {
  dryRun: boolean;
  fieldManager: string;
  fieldValidation: FieldValidation;
  force: boolean;
}

const MAX_MANAGER_LENGTH = 128;

/** Options from the query; `kind` names them in refusals: `CreateOptions`, `PatchOptions`, … */
export function parseWriteOptions(
  kind: string,
  query: URLSearchParams,
  userAgent: string | undefined,
  isApply: boolean,
): WriteOptions {
  const dryRun = query.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) {
    const text = `Unsupported value: ${JSON.stringify(dryRun[0])}: supported values: "All"`;
    throw invalidOption(kind, "dryRun", text, "FieldValueNotSupported");
  }
  const stated = query.get("fieldManager") ?? "";
  if (stated.length > MAX_MANAGER_LENGTH) {
    const text = `Too long: may not be more than ${MAX_MANAGER_LENGTH} bytes`;
    throw invalidOption(kind, "fieldManager", text, "FieldValueTooLong");
  }
  if (isApply && stated === "") {
    throw invalidOption(
      kind,
      "fieldManager",
      "Required value: is required for apply patch",
      "FieldValueRequired",
    );
  }
  if (!isApply && query.has("force")) {
    throw invalidOption(
      kind,
      "force",
      "Forbidden: may not be specified for non-apply patch",
      "FieldValueForbidden",
    );
  }
  const validation = query.get("fieldValidation") || "Warn";
  if (validation !== "Ignore" && validation !== "Warn" && validation !== "Strict") {
    const text = `Unsupported value: ${JSON.stringify(validation)}: supported values: "", "Ignore", "Strict", "Warn"`;
    throw invalidOption(kind, "fieldValidation", text, "FieldValueNotSupported");
  }
  return {
    dryRun: dryRun.length > 0,
    fieldManager: stated || managerOfUserAgent(userAgent),
    fieldValidation: validation,
    force: ["true", "1"].includes(query.get("force") ?? ""),
  };
}

function managerOfUserAgent(userAgent: string | undefined): string {
  const prefix = (userAgent ?? "").split("/")[0] ?? "";
  return prefix.replaceAll(/[^\x20-\x7e]/g, "").slice(0, MAX_MANAGER_LENGTH) || "unknown";
}

/** The write options as webhooks receive them, without their kind. */
export function optionsJson({ dryRun, fieldManager, fieldValidation }: WriteRequest): JsonObject {
  return {
    apiVersion: "meta.k8s.io/v1",
    ...(dryRun ? { dryRun: ["All"] } : {}),
    fieldManager,
    fieldValidation,
  };
}
