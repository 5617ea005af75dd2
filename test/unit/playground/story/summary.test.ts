import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { createReporter } from "../../../../src/playground/story/reporter.ts";
import { printSummary } from "../../../../src/playground/story/summary.ts";

const URL = "http://127.0.0.1:18085";

function linesOf(keepsRunning: boolean): string[] {
  const out = new PassThrough({ encoding: "utf8" });
  const sovereign = {
    name: "omantel",
    namespace: "sovereign-omantel",
    fqdn: "omantel.omani.works",
    displayName: "Omantel Cloud",
    url: URL,
    databaseUrl: "postgres://owner@localhost/omantel",
    servingDatabaseUrl: "postgres://server@localhost/omantel",
    jwtSecret: "a-secret-that-no-screen-shows-0123456789",
    plans: [{ id: "starter", priceBaisa: 5_000 }],
  };
  printSummary(createReporter(out, {}), {
    sovereigns: [sovereign],
    end: { sovereign, liveCode: "WELCOME-2026" },
    kubeconfigPath: ".playground/kubeconfig",
    sovereignsPath: ".playground/sovereigns.json",
    apiServerUrl: "https://127.0.0.1:6443",
    keepsRunning,
  });
  return ((out.read() as string | null) ?? "").split("\n").map((line) => line.trim());
}

describe("the last screen of the playground", () => {
  it.each([
    [true, "Open in a browser:", "Try these commands in another terminal:"],
    [
      false,
      "Without --once these pages stay open:",
      "Without --once the playground keeps running, and you can try these commands:",
    ],
  ])(
    "names the pages with a code that can be redeemed, as whole addresses (it keeps running: %s)",
    (keepsRunning, ...headings) => {
      const lines = linesOf(keepsRunning);
      expect(lines).toEqual(expect.arrayContaining(headings));
      const addressOf = (who: string) => lines.find((line) => line.startsWith(who))?.split(/ +/)[1];
      expect(addressOf("customers")).toBe(`${URL}/redeem?code=WELCOME-2026`);
      expect(addressOf("administrators")).toBe(`${URL}/admin`);
      expect(lines).toContain("SOVEREIGN  FQDN                 READY  VOUCHER API");
    },
  );

  it("shows no secret and no password", () => {
    expect(linesOf(true).join("\n")).not.toMatch(/a-secret|postgres:/);
  });
});
