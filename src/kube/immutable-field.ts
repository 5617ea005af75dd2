import { LABEL } from "../api/label.ts";
import type { KubernetesObject } from "../api/object.ts";
import { differences } from "./difference.ts";

/**
 * Fields that the API server lets no one change, of the kinds that the operator may delete. The other kinds that it applies
 * have none whose desired value can change.
 */
const IMMUTABLE: Record<string, readonly string[]> = {
  Deployment: ["spec.selector"],
};

/** Labels that only the platform may write. They mark whose object it is. */
const OWNER_LABELS = [LABEL.managedBy, LABEL.sovereign, LABEL.organization];

/**
 * Whether the live object is the desired one's predecessor, and a field keeps it from becoming the desired one: an immutable
 * field that differs, or `immutable: true` on a ConfigMap. Only then may it be deleted and created again. An object without
 * the owner's labels belongs to someone else and stays.
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
