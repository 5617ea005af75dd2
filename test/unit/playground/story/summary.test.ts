import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { createReporter } from "../../../../src/playground/story/reporter.ts";
import { printSummary } from "../../../../src/playground/story/summary.ts";

const URL = "http://127.0.0.1:18085";

const SPOKE = { kubeconfigPath: ".playground/spoke/kubeconfig", apiServerUrl: "https://127.0.0.1:6493" };

function linesOf(keepsRunning: boolean, spoke?: typeof SPOKE): string[] {
  const out = new PassThrough({ encoding: "utf8" });
  const sovereign = {
    name: "omantel",
    namespace: "sovereign-omantel",
    fqdn: "omantel.omani.works",
    displayName: "Omantel Cloud",
    onSpoke: spoke !== undefined,
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
    spoke,
    sovereignsPath: ".playground/sovereigns.json",
    apiServerUrl: "https://127.0.0.1:6443",
    keepsRunning,
  });
  return ((out.read() as string | null) ?? "").split("\n").map((line) => line.trim());
}

describe("the last screen of the playground", () => {
  it("names the pages with a code that can be redeemed, as whole addresses", () => {
    const lines = linesOf(true);
    expect(lines).toEqual(
      expect.arrayContaining([
        "SOVEREIGN  FQDN                 READY  VOUCHER API",
        "Open in a browser:",
        "Try in another terminal: see what runs, try what a Franchisee may not do, ask what a code is worth:",
      ]),
    );
    const addressOf = (who: string) => lines.find((line) => line.startsWith(who))?.split(/ +/)[1];
    expect(addressOf("customers")).toBe(`${URL}/redeem?code=WELCOME-2026`);
    expect(addressOf("administrators")).toBe(`${URL}/admin`);
  });

  it("names no address of a playground that has ended, except in the table", () => {
    expect(linesOf(false).filter((line) => line !== "")).toEqual([
      "SOVEREIGN  FQDN                 READY  VOUCHER API",
      expect.stringMatching(/^omantel /),
      "Without --once, the playground keeps running, and lists pages to open and commands to try.",
    ]);
  });

  it("names both control planes, and gives each command the kubeconfig of the right one", () => {
    const lines = linesOf(true, SPOKE);
    expect(lines.find((line) => line.startsWith("SOVEREIGN "))).toMatch(/ {2}CONTROL PLANE$/);
    expect(lines.find((line) => line.startsWith("omantel "))).toMatch(/ {2}spoke$/);
    expect(lines).toContain("Hub             https://127.0.0.1:6443   kubeconfig .playground/kubeconfig");
    expect(lines).toContain(
      "Spoke           https://127.0.0.1:6493   kubeconfig .playground/spoke/kubeconfig",
    );
    const commandWith = (text: string) => lines.find((line) => line.includes(text));
    expect(commandWith("set image")).toContain("--kubeconfig .playground/spoke/kubeconfig ");
    expect(commandWith("token --sovereign")).toContain("KUBECONFIG=.playground/spoke/kubeconfig ");
    expect(commandWith("get catalyst")).toContain("--kubeconfig .playground/kubeconfig ");
  });

  it.each([undefined, SPOKE])("names three commands, and one that prints a token (spoke: %o)", (spoke) => {
    const lines = linesOf(true, spoke);
    expect(lines.filter((line) => /^(kubectl|curl) /.test(line))).toHaveLength(3);
    expect(lines.filter((line) => line.includes("catalyst -- token"))).toHaveLength(1);
  });

  it.each([undefined, SPOKE])("shows no secret and no password (spoke: %o)", (spoke) => {
    expect(linesOf(true, spoke).join("\n")).not.toMatch(/a-secret|postgres:/);
  });
});
