import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { BaseResolver, createConfig, lintDocument, makeDocumentFromString } from "@redocly/openapi-core";
import { beforeAll, describe, expect, it } from "vitest";
import { VoucherError } from "../../../../src/billing/errors.ts";
import { renderErrorPage } from "../../../../src/billing/http/error-page.ts";
import { problemOf } from "../../../../src/billing/http/problem.ts";
import { PROBLEMS } from "../../../../src/billing/http/problem-table.ts";
import { canonicalJson, sha256Digest } from "../../../../src/platform/canonical-json.ts";
import { type ApiDocument, createContract } from "../../../support/builder/openapi-contract.ts";
import { readFromBilling } from "../../../support/server/billing-description.ts";

let text: string;
let document: ApiDocument;
let errorPage: Response;
let errorPageText: string;

beforeAll(() =>
  readFromBilling(async (origin) => {
    text = await (await fetch(`${origin}/openapi.json`)).text();
    document = JSON.parse(text);
    const { type } = problemOf(new VoucherError("voucher_not_found", ""), "/billing/balance").problem;
    errorPage = await fetch(new URL(type, `${origin}/billing/balance`));
    errorPageText = await errorPage.text();
  }),
);

/** The linter's rules: all recommended ones as errors, and the optional ones that help readers of this API. */
const RULES = {
  "operation-tag-defined": "error",
  "operation-singular-tag": "error",
  "parameter-description": "error",
  "component-name-unique": "error",
  "spec-strict-refs": "error",
} as const;

/** Paths without input, so no answer with a 4xx status is described. */
const TAKE_NOTHING = ["/", "/billing/errors", "/openapi.json", "/healthz", "/readyz", "/metrics"];
/** A path whose only answer is a redirect has no 2xx either. */
const EXPECTED = [
  ...TAKE_NOTHING.map((path) => ["operation-4xx-response", path] as const),
  ["operation-2xx-response", "/"] as const,
].map(([rule, path]) => `${rule} at #/paths/${path.replaceAll("/", "~1")}/get/`);

describe("the OpenAPI document", () => {
  it("has the fingerprint that the README shows", () => {
    const readme = readFileSync(resolve(import.meta.dirname, "../../../../README.md"), "utf8");
    const shown = [...readme.matchAll(/API (sha256:[0-9a-f]+)…/g)].map(([, start]) => start);
    const start = shown[0] ?? "absent";
    expect(shown).toEqual([sha256Digest(canonicalJson(document)).slice(0, start.length)]);
  });

  async function lint(source: string): Promise<string[]> {
    const problems = await lintDocument({
      document: makeDocumentFromString(source, "openapi.json"),
      config: await createConfig({ extends: ["recommended-strict"], rules: RULES }),
      externalRefResolver: new BaseResolver(),
    });
    return problems
      .map(({ ruleId, location, message }) => `${ruleId} at ${location[0]?.pointer}: ${message}`)
      .filter((problem) => !EXPECTED.some((start) => problem.startsWith(start)));
  }

  it("passes the linter's recommended rules", async () => {
    expect(await lint(text)).toEqual([]);
  });

  it("fails the linter with a wrong example, an undescribed tag, or an undescribed parameter", async () => {
    const spoiled = JSON.parse(text);
    spoiled.paths["/billing/vouchers/issue"].post.requestBody.content["application/json"].example.credit_omr =
      "25";
    spoiled.paths["/billing/balance"].get.tags = ["money"];
    delete spoiled.paths["/billing/vouchers/list"].get.parameters[0].description;
    const rules = (await lint(JSON.stringify(spoiled))).map((problem) => problem.split(" ")[0]);
    expect(rules.sort()).toEqual([
      "no-invalid-media-type-examples",
      "operation-tag-defined",
      "parameter-description",
    ]);
  });

  it("describes every error code at its status, except those that no operation returns", () => {
    const described = new Map<string, number>();
    for (const methods of Object.values(document.paths)) {
      for (const { responses } of Object.values(methods)) {
        for (const [status, { content }] of Object.entries(responses)) {
          const schema = content?.["application/problem+json"]?.schema as
            | { properties: { code: { enum: string[] } } }
            | undefined;
          for (const code of schema?.properties.code.enum ?? []) described.set(code, Number(status));
        }
      }
    }
    const expected = Object.entries(PROBLEMS)
      .filter(([code]) => code !== "method_not_allowed")
      .map(([code, { status }]) => [code, status]);
    expect(Object.fromEntries(described)).toEqual(Object.fromEntries(expected));
  });
});

describe("a problem's type", () => {
  it("links to the code's entry on the service's own page", () => {
    expect([errorPage.status, errorPage.headers.get("content-type")]).toEqual([
      200,
      "text/html; charset=utf-8",
    ]);
    expect(new URL(errorPage.url).pathname).toBe("/billing/errors");
    for (const [code, { status }] of Object.entries(PROBLEMS))
      expect(errorPageText).toContain(`<dt id="${code}"><code>${code}</code> · ${status}</dt>`);
  });

  it("links to the meaning in the table and in docs/errors.md", () => {
    expect(errorPageText).toBe(renderErrorPage());
    expect(errorPageText).toContain("<dd>The body is compressed. Send it uncompressed.</dd>");
    expect(errorPageText).toContain("<code>Retry-After</code>");
    const document = readFileSync(resolve(import.meta.dirname, "../../../../docs/errors.md"), "utf8");
    const rows = [...document.matchAll(/^\| `(\w+)` \| (\d+) \| (.+) \|$/gm)].map(([, ...cells]) => cells);
    expect(rows).toEqual(
      Object.entries(PROBLEMS).map(([code, { status, meaning }]) => [code, String(status), meaning]),
    );
  });
});

describe("the contract check", () => {
  const answer = (status: number, json: unknown, headers: Record<string, string> = {}) => ({
    status,
    json,
    headers: new Headers({ "content-type": "application/json", ...headers }),
  });
  const problem = (code: keyof typeof PROBLEMS) =>
    answer(
      PROBLEMS[code].status,
      { type: "/x", title: "x", status: PROBLEMS[code].status, detail: "x", code, error: "x" },
      { "content-type": "application/problem+json; charset=utf-8" },
    );
  const judge = (method: string, path: string, given: ReturnType<typeof answer>) =>
    createContract(document).require(method, path, given);

  it("accepts a described response", () => {
    judge("GET", "/healthz", answer(200, { status: "ok" }, { "x-request-id": "x" }));
    judge("GET", "/billing/balance", problem("token_invalid"));
    judge("DELETE", "/billing/vouchers/revoke/A%20B", problem("voucher_not_found"));
    judge("GET", "/nowhere", problem("not_found"));
    judge("POST", "/billing/balance", problem("method_not_allowed"));
  });

  it.each([
    ["a status", "/healthz", answer(201, {}), "GET /healthz 201 is not described"],
    ["a problem's status", "/billing/balance", problem("voucher_not_found"), "404 is not described"],
    [
      "a problem's code",
      "/billing/vouchers/list",
      problem("grant_exceeded"),
      "must be equal to one of the allowed values",
    ],
    ["a member", "/healthz", answer(200, { status: "ok", more: 1 }), "/more is not a known member"],
    ["a content type", "/healthz", answer(200, "ok", { "content-type": "text/plain" }), "as text/plain"],
    ["a header", "/healthz", answer(200, { status: "ok" }, { link: "<x>" }), "the header link"],
    ["a path", "/nowhere", answer(200, {}), "not_found was expected"],
  ])("refuses %s that is not described", (_what, path, given, words) =>
    expect(() => judge("GET", path, given)).toThrow(words),
  );
});
