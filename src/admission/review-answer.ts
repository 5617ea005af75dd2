import { seeRules } from "./rules/denial-link.ts";
import type { Verdict, Violation } from "./rules/fact.ts";

/** The API server cuts a warning after 256 characters, and drops those past 4,096 characters in total. */
const MAX_WARNING_CHARACTERS = 256;
const MAX_WARNINGS = 10;
/** Our own bound: an audit log keeps each annotation for each request. */
const MAX_ANNOTATION_CHARACTERS = 1024;
/** A Pod can violate rules in thousands of fields, and a person reads only the first few. */
const MAX_VIOLATIONS = 10;
const MAX_TEXT_CHARACTERS = 600;
const MAX_PATH_CHARACTERS = 200;

/**
 * The answer to a review. The message of a denial lists each violation with its rule, its field, the problem and the
 * remedy. It ends with links to the rules' sections of `docsUrl`, the page "What was denied, and what now?".
 */
export function reviewAnswer(
  uid: string,
  { violations, warnings, auditAnnotations }: Verdict,
  docsUrl: string,
): object {
  const allowed = violations.length === 0;
  const annotations = Object.entries(auditAnnotations).map(
    ([key, text]) => [key, singleLine(text, MAX_ANNOTATION_CHARACTERS)] as const,
  );
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: {
      uid,
      allowed,
      ...(warnings.length === 0 ? {} : { warnings: warningsOf(warnings) }),
      ...(annotations.length === 0 ? {} : { auditAnnotations: Object.fromEntries(annotations) }),
      ...(allowed ? {} : { status: denial(violations, docsUrl) }),
    },
  };
}

function denial(violations: readonly Violation[], docsUrl: string): object {
  const shown = violations.slice(0, MAX_VIOLATIONS).map(({ rule, path, message }) => ({
    rule,
    path: singleLine(path, MAX_PATH_CHARACTERS),
    text: singleLine(message, MAX_TEXT_CHARACTERS),
  }));
  const rest = violations.length - shown.length;
  const reasons = [
    ...shown.map(({ rule, path, text }) => `${rule}: ${path}: ${text}`),
    ...(rest > 0 ? [`${rest} more violations are not shown`] : []),
  ];
  return {
    status: "Failure",
    code: 403,
    reason: "Forbidden",
    message: `${reasons.join("; ")}${seeRules(
      docsUrl,
      shown.map(({ rule }) => rule),
    )}`,
    details: { causes: shown.map(({ rule, path, text }) => ({ reason: rule, field: path, message: text })) },
  };
}

function warningsOf(warnings: readonly string[]): string[] {
  const lines = warnings.map((text) => singleLine(text, MAX_WARNING_CHARACTERS));
  if (lines.length <= MAX_WARNINGS) return lines;
  const shown = lines.slice(0, MAX_WARNINGS - 1);
  return [...shown, `${lines.length - shown.length} more warnings are not shown`];
}

const PRINTABLE = /^[ -~]*$/;

/**
 * The API server drops all warnings of an answer when one has a control character. A text repeats names that users choose,
 * and these must not break a line or reorder the text. Characters are code points.
 */
function singleLine(text: string, maxCharacters: number): string {
  // Nearly every text is printable ASCII, which is fast to check.
  if (text.length <= maxCharacters && PRINTABLE.test(text)) return text.trim();
  const characters = [...text.replaceAll(/\p{C}+/gu, " ").trim()];
  if (characters.length <= maxCharacters) return characters.join("");
  return `${characters.slice(0, maxCharacters - 1).join("")}…`;
}
