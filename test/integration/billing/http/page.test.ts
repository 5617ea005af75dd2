import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { readBillingSettings } from "../../../../src/billing/settings.ts";
import { createEnvReader } from "../../../../src/platform/env.ts";
import { billing, issueVoucher, startBilling, useBilling } from "../../../support/builder/billing.ts";

const BRANDING = { displayName: "Omantel Cloud", colour: "#ff7900", hostname: "cloud.omantel.om" };

useBilling({
  files: { BRANDING_FILE: BRANDING },
  env: { CORS_ORIGIN: "https://market.example" },
});

beforeAll(async () => {
  await issueVoucher(billing, "PAGE");
});

/** Every absolute URL in a text, except XML namespaces, which are never fetched. */
function addressesIn(text: string): string[] {
  return (text.match(/(?:https?:)?\/\/[\w.-]+\.[\w/.?=%-]+/g) ?? []).filter(
    (address) => !address.includes("www.w3.org"),
  );
}

describe("GET /", () => {
  it("leads to the redeem page, also under a gateway's prefix", async () => {
    const answer = await fetch(billing.origin, { redirect: "manual" });
    expect(answer.status).toBe(303);
    expect(new URL(answer.headers.get("location") ?? "", "https://gateway.example/api/").pathname).toBe(
      "/api/redeem",
    );
    const page = await fetch(billing.origin);
    expect([page.url, page.status]).toEqual([`${billing.origin}/redeem`, 200]);
  });
});

const SIGN_UP = ["signup", "login"].map((page) => `https://cloud.omantel.om/${page}?voucher=PAGE`);

describe("GET /redeem", () => {
  it.each([
    ["PAGE", 200],
    ["NO-SUCH", 404],
    ["", 200],
  ])("links to no other site than sign-up and sign-in: %s", async (code, status) => {
    const answer = await billing.ask(`/redeem?code=${code}`);
    expect(answer.status).toBe(status);
    const expected = code === "PAGE" ? SIGN_UP : [];
    expect(addressesIn(answer.text)).toEqual(expected);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("chooses the language by ?lang=, then by Accept-Language, and sets Vary", async () => {
    const languageOf = async (query: string, headers: Record<string, string> = {}) =>
      (await billing.ask(`/redeem?code=PAGE${query}`, { headers })).headers.get("content-language");
    expect(await languageOf("")).toBe("en");
    expect(await languageOf("", { "accept-language": "ar-OM,ar;q=0.9" })).toBe("ar");
    expect(await languageOf("&lang=en", { "accept-language": "ar" })).toBe("en");
    expect(await languageOf("&lang=ar")).toBe("ar");
    expect(await languageOf("&lang=%00x", { "accept-language": "en" })).toBeNull();
    const answer = await billing.ask("/redeem", { headers: { origin: "https://market.example" } });
    expect(answer.headers.get("vary")).toBe("Origin, Accept-Language");
  });
});

describe("GET /admin", () => {
  const partsOf = (html: string) =>
    [...html.matchAll(/(?:href|src)="(\/admin\/[^"]+)"/g)].map((match) => match[1] ?? "");

  it("answers a matching ETag of /admin with 304 until the page changes", async () => {
    const one = await startBilling({ files: { BRANDING_FILE: BRANDING } });
    const first = await one.ask("/admin");
    expect([first.status, first.headers.get("content-type"), first.headers.get("cache-control")]).toEqual([
      200,
      "text/html; charset=utf-8",
      "no-cache",
    ]);
    const tag = first.headers.get("etag") ?? "";
    const again = (etag: string) => one.ask("/admin", { headers: { "if-none-match": etag } });
    for (const etag of [tag, `W/${tag}`, `"other", ${tag}`]) {
      const known = await again(etag);
      expect([known.status, known.text, known.headers.get("etag")]).toEqual([304, "", tag]);
      expect(known.headers.get("content-security-policy")).toContain("default-src 'none'");
    }
    expect((await again('"other"')).status).toBe(200);
    writeFileSync(one.settings.brandingFile ?? "", JSON.stringify({ displayName: "Renamed" }));
    const changed = await again(tag);
    expect([changed.status, changed.text.includes("Renamed")]).toEqual([200, true]);
    await one.close();
  });

  it("serves the parts of /admin as immutable, and loads nothing from other sites", async () => {
    const { text } = await billing.ask("/admin?lang=ar");
    expect(addressesIn(text)).toEqual([]);
    const parts = partsOf(text);
    expect(parts.length).toBe(15);
    const directory = parts.find((path) => path.endsWith("main.js"))?.replace(/main\.js$/, "") ?? "";
    let total = 0;
    for (const path of [...parts, `${directory}qr.js`]) {
      const part = await billing.ask(path);
      expect([path, part.status, part.headers.get("content-type")]).toEqual([
        path,
        200,
        path.endsWith(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8",
      ]);
      expect(part.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(part.headers.get("x-content-type-options")).toBe("nosniff");
      const outside = addressesIn(part.text).filter((address) => !/^\/\/\s?[a-z]/i.test(address));
      expect(outside).toEqual([]);
      const headers = { "if-none-match": part.headers.get("etag") ?? "" };
      expect((await billing.ask(path, { headers })).status).toBe(304);
      total += path.endsWith("qr.js") ? 0 : part.text.length;
    }
    expect(total).toBeLessThan(51_000);
  });

  it.each([
    ["another version", (path: string) => path.replace(/[0-9a-f]{16}/, "0".repeat(16))],
    ["a file that is no part", (path: string) => path.replace("main.js", "package.json")],
    ["a way out of the folder", (path: string) => path.replace("main.js", "..%2F..%2Fsettings.ts")],
    ["a member of every object", (path: string) => path.replace("main.js", "constructor")],
  ])("finds no part of /admin under %s", async (_what, change) => {
    const { text } = await billing.ask("/admin");
    const main = partsOf(text).find((path) => path.endsWith("main.js")) ?? "";
    const answer = await billing.ask(change(main));
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([404, "no-store"]);
  });

  it("allows requests to the issuer when administrators sign in there", async () => {
    const one = await startBilling({
      env: {
        OIDC_ISSUER: "https://id.example.om/realms/om",
        OIDC_AUDIENCE: "billing",
        OIDC_CLIENT_ID: "billing-admin",
      },
    });
    const answer = await one.ask("/admin");
    expect(answer.headers.get("content-security-policy")).toContain(
      "connect-src 'self' https://id.example.om;",
    );
    expect(addressesIn(answer.text)).toEqual(["https://id.example.om/realms/om"]);
    await one.close();
  });
});

describe("OIDC_CLIENT_ID", () => {
  const settings = (env: Record<string, string>) => () =>
    readBillingSettings(
      createEnvReader({
        DATABASE_URL: "postgres://x",
        SOVEREIGN_FQDN: "a.example",
        JWT_SECRET: "x".repeat(32),
        ...env,
      }),
    );

  it("refuses OIDC_CLIENT_ID when OIDC_ISSUER is not a URL", () => {
    expect(settings({ OIDC_CLIENT_ID: "x" })).toThrow("OIDC_CLIENT_ID requires OIDC_ISSUER");
    expect(settings({ OIDC_CLIENT_ID: "x", OIDC_ISSUER: "id.example", OIDC_AUDIENCE: "b" })).toThrow(
      "OIDC_ISSUER must be an http or https URL",
    );
    expect(settings({ OIDC_ISSUER: "https://id.example", OIDC_AUDIENCE: "b" })().adminSignIn).toBeUndefined();
  });
});
