import { canonicalJson } from "../canonical-json.ts";
import { type ApiObject, isRecord, recordOf } from "../object.ts";
import type { JsonSchema } from "../schema/json-schema.ts";
import { difference, emptySet, type FieldSet, union } from "./field-set.ts";
import { compare, fieldSetOf } from "./typed-value.ts";

// kubectl's field manager. Only kubectl migrates from client-side to server-side apply by itself.
const KUBECTL = "kubectl";
const ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";
const MAX_ANNOTATION_BYTES = 256 * 1024;

/** The fields that are unchanged since client-side apply. kubectl may take them over without a conflict. */
export function lastAppliedFields(
  manager: string,
  live: ApiObject | undefined,
  schema: JsonSchema,
): FieldSet {
  const text = manager === KUBECTL ? live?.metadata.annotations?.[ANNOTATION] : undefined;
  if (text === undefined) return emptySet();
  try {
    const applied: unknown = JSON.parse(text);
    if (!isRecord(applied)) return emptySet();
    const { added, modified, removed } = compare(applied, live, schema);
    return difference(fieldSetOf(applied, schema), union(union(added, modified), removed));
  } catch {
    return emptySet();
  }
}

/** Updates the annotation of client-side apply, if there is one, to the configuration that kubectl applied. */
export function withLastApplied(manager: string, next: ApiObject, config: ApiObject): ApiObject {
  if (manager !== KUBECTL || next.metadata.annotations?.[ANNOTATION] === undefined) return next;
  const { managedFields, annotations, ...metadata } = recordOf(config.metadata);
  const { [ANNOTATION]: _, ...kept } = recordOf(annotations);
  const stated = Object.keys(kept).length === 0 ? metadata : { ...metadata, annotations: kept };
  const text = `${canonicalJson({ ...config, metadata: stated })}\n`;
  const value = Buffer.byteLength(text) > MAX_ANNOTATION_BYTES ? "" : text;
  const annotated = { ...next.metadata.annotations, [ANNOTATION]: value };
  return { ...next, metadata: { ...next.metadata, annotations: annotated } };
}
