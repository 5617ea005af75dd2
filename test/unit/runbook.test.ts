import { describe, expect, it } from "vitest";
import {
  OPERATOR_HASH_SECRET,
  OPERATOR_KEY_SECRET,
  SYSTEM_NAMESPACE,
  WEBHOOK_TLS_SECRET,
} from "../../src/api/name.ts";
import { matchesOf, readPage, spansOf } from "../support/builder/documentation-page.ts";
import {
  API_PATHS,
  codeIn,
  isCommand,
  isEndpoint,
  isErrorState,
  isField,
  isFlag,
  isMetric,
  isQuery,
  isReasonConditionOrKind,
  isTableColumnOrCode,
  isVariable,
} from "../support/builder/program-name.ts";

const spans = spansOf(readPage("docs/runbook.md"));

/**
 * The classes of names: a pattern that recognises the class, and a check that the name is defined. The first matching
 * pattern counts.
 */
const CLASSES: [name: string, pattern: RegExp, isDefined: (span: string) => boolean][] = [
  ["command", /^catalyst [a-z-]+( |$)/, isCommand],
  ["flag", /^--[a-z-]+$/, isFlag],
  ["kubectl command", /^kubectl /, () => true],
  ["query", /^SELECT /, isQuery],
  ["metric", /^catalyst_/, isMetric],
  [
    "Secret",
    /^catalyst-operator-/,
    (span) => [OPERATOR_KEY_SECRET, OPERATOR_HASH_SECRET, WEBHOOK_TLS_SECRET].includes(span),
  ],
  ["namespace", /^catalyst-system$/, (span) => span === SYSTEM_NAMESPACE],
  ["SQLSTATE", /^CB\d+$/, isErrorState],
  ["variable", /^[A-Z]+(_[A-Z]+)*$/, isVariable],
  ["reason, condition or kind", /^[A-Z][A-Za-z]+$/, isReasonConditionOrKind],
  ["endpoint", /^(?:(?:GET|POST|PUT|DELETE) )?\/[a-z/]+$/, isEndpoint],
  ["code, table or column", /^[a-z]+_[a-z_]+$/, isTableColumnOrCode],
  ["object in a namespace", /^deployment\/billing$/, () => true],
  ["field", /^[a-z][A-Za-z]*(\.[a-z][A-Za-z]*)+$/, isField],
  ["value", /^(pending|organization|fqdn|status)$/, () => true],
];

describe("docs/runbook.md", () => {
  it("has code spans of known classes only", () => {
    expect(spans.filter((span) => !CLASSES.some(([, pattern]) => pattern.test(span)))).toEqual([]);
  });

  it.each(CLASSES)("names a %s only where its definition has it", (name, pattern, isDefined) => {
    const index = CLASSES.findIndex(([other]) => other === name);
    const ofClass = spans.filter(
      (span) => pattern.test(span) && !CLASSES.slice(0, index).some(([, earlier]) => earlier.test(span)),
    );
    expect(ofClass).not.toEqual([]);
    expect(ofClass.filter((span) => !isDefined(span))).toEqual([]);
  });

  it("names every reason for which a Sovereign is not Ready", () => {
    const steps = codeIn("controllers/sovereign") + codeIn("controllers/billing-release");
    const stops = matchesOf(
      steps,
      /\b(?:stalled|waiting|unknown|stop|later|wait|stopped\("[A-Za-z]+",)\(?\s*"([A-Za-z]+)"/g,
    );
    expect(new Set(stops).size).toBeGreaterThan(15);
    expect(stops.filter((reason) => !spans.includes(reason))).toEqual([]);
  });

  it("names every reason for which a condition of any kind is False", () => {
    const code = codeIn("controllers");
    const ofSteps = matchesOf(code, /\bfalseCondition\([^,"]+,\s*"([A-Za-z]+)"/g);
    const ofKinds = matchesOf(code, /status: "False"([^}]*?)message/g).flatMap((text) =>
      matchesOf(text, /"([A-Z][A-Za-z]+)"/g),
    );
    expect(ofSteps.length).toBeGreaterThan(8);
    expect(ofKinds.length).toBeGreaterThan(4);
    expect([...ofSteps, ...ofKinds].filter((reason) => !spans.includes(reason))).toEqual([]);
  });
});

describe.each([
  "docs/billing/api.md",
  "docs/billing/payments.md",
  "docs/billing/pages.md",
  "docs/billing/operations.md",
  "docs/admission.md",
  "docs/threat-model.md",
])("%s", (page) => {
  const named = spansOf(readPage(page));

  it.each<[string, RegExp, (span: string) => boolean]>([
    ["metrics", /^catalyst_/, isMetric],
    ["commands", /^catalyst [a-z-]+( |$)/, isCommand],
    ["flags", /^--[a-z-]+$/, isFlag],
    ["variables", /^[A-Z]+(_[A-Z]+)+$/, isVariable],
    ["error codes, tables, columns or functions", /^billing_[a-z_]+$/, isQuery],
    ["endpoints", /^(?:GET|POST|PUT|DELETE) \/billing\/[a-z/{}A-Z-]+$/, isEndpoint],
  ])("names only %s that the program defines", (_what, pattern, isDefined) => {
    expect(named.filter((span) => pattern.test(span) && !isDefined(span))).toEqual([]);
  });
});

describe("docs/billing/api.md", () => {
  it("lists every path of the API", () => {
    const page = readPage("docs/billing/api.md");
    const paths = API_PATHS.filter((path) => path.startsWith("/billing/") && path !== "/billing/errors");
    expect(paths.length).toBeGreaterThan(15);
    expect(paths.filter((path) => !page.includes(` ${path}\``))).toEqual([]);
  });
});

describe("docs/billing/operations.md", () => {
  it("lists every kind of difference that reconcile-ledger reports", () => {
    const kinds = matchesOf(codeIn("billing/ledger"), /kind: "([a-z]+(?:-[a-z]+)+)"/g);
    const listed = spansOf(readPage("docs/billing/operations.md"));
    expect(new Set(kinds).size).toBeGreaterThan(10);
    expect(kinds.filter((kind) => !listed.includes(kind))).toEqual([]);
  });
});
