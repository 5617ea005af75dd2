import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BUILT_IN_IDENTITIES } from "../../../src/admission/rules/identity.ts";
import { artifactsToCheck, evaluateRules } from "../../../src/admission/rules/rule-list.ts";
import { PRODUCTS } from "../../support/suite/controller/product.ts";
import { factsOf, type Product, type ProductRequest } from "../../support/suite/controller/request.ts";

const PAGE = join(import.meta.dirname, "../../../docs/controllers.md");

function answerTo(product: Product, request: ProductRequest): string {
  const known = factsOf(product, request);
  const [violation] = evaluateRules(request.input, known);
  if (violation !== undefined) return violation.rule;
  return artifactsToCheck(request.input, known).length > 0 ? "trusted" : "allowed";
}

const SHOWN: Record<string, string> = { allowed: "allowed", trusted: "allowed if the image is trusted" };
/** The line of the page for a request. */
const lineOf = ({ title, where, expected }: ProductRequest) =>
  `| ${title} | ${where} | ${SHOWN[expected] ?? `denied: \`${expected}\``} |`;

/** The page's tables, by the title of their section. */
function tablesOf(page: string): Map<string, string[]> {
  return new Map(
    page.split(/^## /m).map((section) => {
      const lines = section.split("\n");
      return [lines[0] ?? "", lines.filter((line) => line.startsWith("| ") && !line.startsWith("| Request"))];
    }),
  );
}

describe.each(PRODUCTS.map((product) => [product.name, product] as const))("%s", (_, product) => {
  it("has a namespace on the built-in list of controllers", () => {
    expect(BUILT_IN_IDENTITIES.controllerNamespaces).toContain(product.namespace);
  });

  it.each(product.requests.map((request) => [request.title, request.where, request] as const))(
    "%s in %s",
    (_title, _where, request) => expect(answerTo(product, request)).toBe(request.expected),
  );

  it("has a section on the page that says what admission answers", () => {
    const table = tablesOf(readFileSync(PAGE, "utf8")).get(product.name);
    expect(table).toEqual(product.requests.map(lineOf));
  });
});

describe("the page of controllers", () => {
  it("covers every namespace on the built-in list", () => {
    expect(PRODUCTS.map(({ namespace }) => namespace).sort()).toEqual(
      [...BUILT_IN_IDENTITIES.controllerNamespaces].sort(),
    );
  });
});
