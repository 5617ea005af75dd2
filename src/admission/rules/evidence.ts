import { ANNOTATION } from "../../api/label.ts";
import type { Rule } from "./fact.ts";
import { isPipeline } from "./identity.ts";
import { surveyOf } from "./object-survey.ts";
import type { AdmissionInput } from "./request.ts";

type EvidenceName = "approvedBy" | "score";
type Annotations = Readonly<Record<string, unknown>>;

/** The entries of one annotation: `amal`, or `amal@sha256:<64 hex>` for one artifact. */
interface Entries {
  withoutDigest: ReadonlySet<string>;
  byDigest: ReadonlyMap<string, ReadonlySet<string>>;
  /**
   * Whether entries without a digest count. They count when the pipeline writes the annotation in the judged request,
   * because they are then for this install. Otherwise they may be of an earlier install.
   */
  isFresh: boolean;
}

/**
 * The evidence annotations of one object. Only the pipeline writes them, which another rule enforces. An annotation has up
 * to 256 KiB and a request up to thousands of digests, so each annotation is parsed once and not for each digest.
 */
export type EvidenceSource = Readonly<Record<EvidenceName, Entries>>;

export function readEvidence(
  annotations: Annotations,
  isFresh: (annotation: string) => boolean,
): EvidenceSource {
  const read = (name: EvidenceName): Entries => ({
    ...parseEntries(annotations[ANNOTATION[name]]),
    isFresh: isFresh(ANNOTATION[name]),
  });
  return { approvedBy: read("approvedBy"), score: read("score") };
}

/**
 * The evidence on the object. In a request of any other user than the pipeline, only the annotations from before the
 * request count, because a request cannot bring its own evidence. The pipeline's request may keep the annotation of an
 * earlier install, so an annotation is fresh only when the request creates the object or changes the annotation.
 */
export function ownEvidence({ user, operation, object, oldObject }: AdmissionInput): EvidenceSource {
  const before: Annotations = oldObject?.metadata?.annotations ?? {};
  if (!isPipeline(user)) return readEvidence(before, () => false);
  const now: Annotations = object?.metadata?.annotations ?? {};
  return readEvidence(now, (annotation) => operation === "CREATE" || now[annotation] !== before[annotation]);
}

/** The distinct values of the entries that count for an artifact. The digest is undefined for a chart that does not exist yet. */
export function evidenceFor(
  name: EvidenceName,
  digest: string | undefined,
  sources: readonly EvidenceSource[],
): Set<string> {
  return new Set(
    sources.flatMap(({ [name]: { withoutDigest, byDigest, isFresh } }) => [
      ...(isFresh ? withoutDigest : []),
      ...((digest === undefined ? undefined : byDigest.get(digest)) ?? []),
    ]),
  );
}

/** Whether there is any entry, even one that does not count. */
export const hasEvidence = (name: EvidenceName, sources: readonly EvidenceSource[]): boolean =>
  sources.some(({ [name]: { withoutDigest, byDigest } }) => withoutDigest.size > 0 || byDigest.size > 0);

const NAMED = /^(?<value>.*)@(?<digest>sha256:[a-f0-9]{64})$/;

function parseEntries(annotation: unknown): Omit<Entries, "isFresh"> {
  const withoutDigest = new Set<string>();
  const byDigest = new Map<string, Set<string>>();
  const texts = typeof annotation === "string" ? annotation.split(",").map((text) => text.trim()) : [];
  for (const text of texts) {
    const { value, digest } = NAMED.exec(text)?.groups ?? {};
    if (value !== undefined && digest !== undefined) {
      const values = byDigest.get(digest) ?? new Set();
      byDigest.set(digest, values.add(value.trim()));
    } else if (text !== "") withoutDigest.add(text);
  }
  return { withoutDigest, byDigest };
}

const SCORE = /^(100|[1-9]?[0-9])$/;

/** The lowest score, 0 to 100. Undefined without a score, or when an entry is not a score. */
export function lowestScore(values: ReadonlySet<string>): number | undefined {
  const scores = [...values].map((value) => (SCORE.test(value) ? Number(value) : Number.NaN));
  return scores.length === 0 || scores.some(Number.isNaN) ? undefined : Math.min(...scores);
}

/**
 * Evidence for EnvironmentPolicies must come from the pipeline, and not from the people whose installs it decides on. This
 * includes annotations of a Pod template, and values from which a chart makes annotations, because controllers copy both.
 */
export const evidenceRule: Rule = (input) => {
  if (input.operation === "DELETE" || isPipeline(input.user)) return [];
  const before = surveyOf(input.oldObject).evidence;
  const after = surveyOf(input.object).evidence;
  if (before.size === 0 && after.size === 0) return [];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .sort()
    .map((path) => ({
      rule: "evidence-pipeline-only",
      path,
      message: "only the pipeline may write this annotation; leave it unchanged, and run the pipeline",
    }));
};
