import { ANNOTATION } from "../../api/label.ts";
import { isPipeline } from "./identity.ts";
import type { AdmissionInput } from "./request.ts";

type EvidenceName = "approvedBy" | "score";
type Annotations = Readonly<Record<string, unknown>>;

/** One entry of an evidence annotation: `amal`, or `amal@sha256:<64 hex>` for one artifact. */
interface Entry {
  value: string;
  /** Undefined: the entry names no artifact. */
  digest: string | undefined;
}

/** Where evidence for a request may be. Only the pipeline writes evidence, and another rule enforces that. */
export interface EvidenceSource {
  annotations: Annotations;
  /**
   * Whether entries without a digest count. They do in the pipeline's own request, because it wrote them for this install.
   * In every other request they may be those of an earlier install.
   */
  isFresh: boolean;
}

/**
 * The evidence on the object. Without the pipeline it is what was there before the request: what the request brings
 * cannot count for itself.
 */
export function ownEvidence({ user, object, oldObject }: AdmissionInput): EvidenceSource {
  const isFresh = isPipeline(user);
  return { annotations: (isFresh ? object : oldObject)?.metadata?.annotations ?? {}, isFresh };
}

/** The distinct values of the entries that count for an artifact. The digest is undefined for a chart that does not exist yet. */
export function evidenceFor(
  name: EvidenceName,
  digest: string | undefined,
  sources: readonly EvidenceSource[],
): Set<string> {
  return new Set(
    sources.flatMap(({ annotations, isFresh }) =>
      entriesOf(annotations[ANNOTATION[name]])
        .filter((entry) => (entry.digest === undefined ? isFresh : entry.digest === digest))
        .map(({ value }) => value),
    ),
  );
}

/** Whether there is any entry, also one that does not count. */
export const hasEvidence = (name: EvidenceName, sources: readonly EvidenceSource[]): boolean =>
  sources.some(({ annotations }) => entriesOf(annotations[ANNOTATION[name]]).length > 0);

const NAMED = /^(?<value>.*)@(?<digest>sha256:[a-f0-9]{64})$/;

function entriesOf(annotation: unknown): Entry[] {
  if (typeof annotation !== "string") return [];
  return annotation
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map((text) => {
      const { value = text, digest } = NAMED.exec(text)?.groups ?? {};
      return { value: value.trim(), digest };
    });
}

const SCORE = /^(100|[1-9]?[0-9])$/;

/** The lowest of the scores, 0 to 100; undefined without any, or when one is no score. */
export function lowestScore(values: ReadonlySet<string>): number | undefined {
  const scores = [...values].map((value) => (SCORE.test(value) ? Number(value) : Number.NaN));
  return scores.length === 0 || scores.some(Number.isNaN) ? undefined : Math.min(...scores);
}
