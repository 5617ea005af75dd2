import type { BillingRelease, BillingReleaseStatus, ReleaseReference } from "../../api/billing-release.ts";
import { ANNOTATION } from "../../api/label.ts";
import { isMap, listOf } from "../../api/object.ts";

type References = Pick<BillingReleaseStatus, "reference" | "earlierReferences">;

/**
 * The references that the hub measured, from the annotation that the hub writes on its copy of the release. The first is
 * the newest. Without a readable annotation, the known references stay, because the hub restores the annotation.
 */
export function referencesFromHub({ metadata, status }: BillingRelease): References {
  const [reference, ...earlierReferences] = parse(metadata.annotations?.[ANNOTATION.references]) ?? [
    ...(status?.reference === undefined ? [] : [status.reference]),
    ...(status?.earlierReferences ?? []),
  ];
  return {
    ...(reference === undefined ? {} : { reference }),
    ...(earlierReferences.length === 0 ? {} : { earlierReferences }),
  };
}

function parse(text: string | undefined): ReleaseReference[] | undefined {
  if (text === undefined) return undefined;
  try {
    const references = listOf(JSON.parse(text)).filter(isReference);
    return references.length === 0 ? undefined : references;
  } catch {
    return undefined;
  }
}

const FIELDS = [
  "image",
  "schemaVersion",
  "schemaFingerprint",
  "apiFingerprint",
  "measuredOn",
  "measuredAt",
] as const satisfies readonly (keyof ReleaseReference)[];

const isReference = (value: unknown): value is ReleaseReference =>
  isMap(value) && FIELDS.every((field) => typeof value[field] === "string");
