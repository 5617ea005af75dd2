import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { ask, billing, signToken, useBilling } from "../../../support/builder/billing.ts";

useBilling({ env: { CORS_ORIGIN: "*" } });

/** A request without `Accept`, as a script may send it. `fetch` always sends the header. */
async function postPlainly(path: string, body: object): Promise<{ contentType: string; text: string }> {
  const token = await signToken("admin", "sovereign-admin");
  return new Promise((done, fail) => {
    const asked = request(
      `${billing.origin}${path}`,
      { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => done({ contentType: response.headers["content-type"] ?? "", text }));
      },
    );
    asked.on("error", fail);
    asked.end(JSON.stringify(body));
  });
}

describe("a client without an Accept header", () => {
  it("gets a bulk issue as a CSV file without an Accept header", async () => {
    const { contentType, text } = await postPlainly("/billing/vouchers/bulk-issue", {
      count: 2,
      credit_omr: 5,
    });
    expect(contentType).toContain("text/csv");
    expect(text.trim().split("\r\n")).toHaveLength(3);
  });
});

describe("CORS_ORIGIN=*", () => {
  it("allows requests of every site, and none with cookies", async () => {
    for (const origin of ["https://one.example", "https://other.example", "null"]) {
      const answer = await ask(billing.origin, "/billing/vouchers/redeem-preview", {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });
});

describe("a part of /admin of an earlier release", () => {
  it.each(["/admin/style/0123456789abcdef/admin.css", "/admin/script/0123456789abcdef/main.js"])(
    "does not serve a part of an earlier release: %s",
    async (path) => {
      const answer = await billing.ask(path);
      expect([answer.status, answer.json.code]).toEqual([404, "not_found"]);
      expect(answer.headers.get("cache-control") ?? "").not.toContain("immutable");
    },
  );
});
