import { isMap } from "../api/object.ts";
import type { ReviewedObject } from "./rules/request.ts";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isList: Check = Array.isArray;
const isTextMap: Check = (value) => isMap(value) && Object.values(value).every(isText);
const isMapList: Check = (value) => Array.isArray(value) && value.every(isMap);

/** The members of metadata that rules read. The API server has checked these for every kind before it calls the webhook. */
const METADATA: Readonly<Record<string, Check>> = {
  name: isText,
  generateName: isText,
  namespace: isText,
  labels: isTextMap,
  annotations: isTextMap,
  ownerReferences: isMapList,
  finalizers: isList,
  managedFields: isList,
};

const isPresent: Check = (value) => value !== undefined && value !== null;

/**
 * The object of a review with metadata as Kubernetes defines it, so that rules need not check its types. Undefined for a
 * value that is not a Kubernetes object. `null` counts as absent.
 */
export function parseReviewedObject(value: unknown): ReviewedObject | undefined {
  if (!isMap(value)) return undefined;
  const { kind, metadata } = value;
  if ((isPresent(kind) && !isText(kind)) || (isPresent(metadata) && !isMap(metadata))) return undefined;
  let isComplete = kind !== null && metadata !== null;
  const members = isMap(metadata) ? metadata : {};
  for (const name of Object.keys(members)) {
    const member = members[name];
    if (!isPresent(member)) isComplete = false;
    else if (Object.hasOwn(METADATA, name) && METADATA[name]?.(member) === false) return undefined;
  }
  return isComplete ? value : withoutNulls(value);
}

function withoutNulls({ kind, metadata, ...rest }: Record<string, unknown>): ReviewedObject {
  const members = isMap(metadata) ? Object.entries(metadata).filter(([, member]) => isPresent(member)) : [];
  return {
    ...rest,
    ...(isText(kind) ? { kind: kind as string } : {}),
    ...(isPresent(metadata) ? { metadata: Object.fromEntries(members) } : {}),
  };
}
