import { LABEL } from "../api/label.ts";
import type { KubernetesObject } from "../api/object.ts";
import { differences } from "./difference.ts";

/**
 * Immutable fields of the kinds that the operator may delete. The other kinds that it applies have no immutable field whose
 * desired value can change.
 */
const IMMUTABLE: Record<string, readonly string[]> = {
  Deployment: ["spec.selector"],
};

/** Labels that only the platform may write. They show which owner an object belongs to. */
const OWNER_LABELS = [LABEL.managedBy, LABEL.sovereign, LABEL.organization];

/**
 * Whether the live object is an earlier form of the desired one, and a fixed field prevents the update: an immutable field
 * that differs, or `immutable: true` on a ConfigMap. Only then may the object be deleted and created again. An object
 * without the owner's labels belongs to another owner and stays.
 */
export function isOwnAndFixed(desired: KubernetesObject, live: KubernetesObject): boolean {
  return isOwn(desired, live) && isFixed(desired, live);
}

function isOwn({ metadata: wanted }: KubernetesObject, { metadata }: KubernetesObject): boolean {
  const isMarked = wanted.labels?.[LABEL.managedBy] !== undefined;
  return isMarked && OWNER_LABELS.every((label) => wanted.labels?.[label] === metadata.labels?.[label]);
}

function isFixed(desired: KubernetesObject, live: KubernetesObject): boolean {
  if (desired.kind === "ConfigMap") return (live as { immutable?: boolean }).immutable === true;
  const immutable = IMMUTABLE[desired.kind] ?? [];
  return differences(desired, live).some((path) =>
    immutable.some((field) => path === field || path.startsWith(`${field}.`)),
  );
}
