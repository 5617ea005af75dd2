import { describe, expect, it } from "vitest";
import {
  gatherEvidence,
  isFresh,
  type SmokeReport,
  shapeDifference,
  smokeCode,
} from "../../../../src/controllers/sovereign/evidence.ts";
import type { PodObject } from "../../../../src/controllers/sovereign/observed.ts";
import {
  condition,
  IMAGE,
  measured,
  NOW,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

describe("evidence", () => {
  it("is gathered with the same voucher for each Pod every time, and with another for each", () => {
    const codes = ["a", "b"].flatMap((uid) => [0, 1].map((index) => smokeCode(uid, index)));
    expect(new Set(codes).size).toBe(4);
    expect(codes[0]).toBe(smokeCode("a", 0));
    expect(codes[0]).toMatch(/^SMOKE-[0-9A-F]{16}$/);
  });

  const proven = sovereign(
    "o",
    {},
    {
      ...verifiedOn(IMAGE),
      lastSmokeTest: { time: NOW, passed: true, evidence: "e", steps: [] },
      conditions: [condition("InSync", "True")],
    },
  );

  it.each([
    [true, "e", true],
    [false, "other", true],
    [false, "e", false],
  ])("is fresh: %s for evidence %s, in sync %s", (fresh, evidence, isInSync) => {
    expect(isFresh(proven, evidence, isInSync)).toBe(fresh);
  });

  it("says which fingerprint differs from the reference", () => {
    const { reference } = measured(IMAGE);
    if (reference === undefined) throw new Error("no reference");
    expect(shapeDifference(verifiedOn(IMAGE), reference)).toBeUndefined();
    const other = `sha256:${"9".repeat(64)}`;
    const both = shapeDifference(
      { ...verifiedOn(IMAGE), schemaFingerprint: other, apiFingerprint: other },
      reference,
    );
    expect(both).toContain("undo those changes; the API fingerprint is");
    expect(shapeDifference({ ...verifiedOn(IMAGE), schemaFingerprint: other }, reference)).toBe(
      `the schema fingerprint is ${other}, but the reference measured on zero is ${reference.schemaFingerprint}: ` +
        "run `catalyst migrate` on the database to list the objects that differ, and undo those changes",
    );
  });

  it("names the API fingerprint when only that differs from the reference", () => {
    const { reference } = measured(IMAGE);
    if (reference === undefined) throw new Error("no reference");
    const other = `sha256:${"9".repeat(64)}`;
    expect(shapeDifference({ ...verifiedOn(IMAGE), apiFingerprint: other }, reference)).toBe(
      `the API fingerprint is ${other}, but the reference measured on zero is ${reference.apiFingerprint}: ` +
        "check which images the billing Pods run",
    );
  });
});

describe("gatherEvidence", () => {
  const podOf = (name: string, status?: PodObject["status"]): PodObject => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    ...(status === undefined ? {} : { status }),
  });
  /** Two of its three steps fail. */
  const failing = (pod: string): SmokeReport => ({
    passed: false,
    steps: ["list", "issue", "revoke"].map((name) => ({
      name,
      passed: name === "list",
      durationMs: 1,
      message: `${name} on ${pod}`,
    })),
    apiFingerprint: "sha256:a",
    schema: { version: "0005", fingerprint: "sha256:b" },
  });

  it("reports the first failed step of the first failed Pod by name, and skips a Pod without a status", async () => {
    const asked: string[] = [];
    const { evidence, problem } = await gatherEvidence({
      pods: [
        podOf("billing-3", { podIP: "10.0.0.3" }),
        podOf("billing-1"),
        podOf("billing-2", { podIP: "fd00::2" }),
      ],
      identity: "uid-omantel",
      port: 8082,
      token: "token",
      smoke: async ({ baseUrl }) => {
        asked.push(baseUrl);
        return failing(baseUrl);
      },
      evidence: "e",
      now: () => new Date(NOW),
      signal: new AbortController().signal,
    });
    expect(asked).toEqual(["http://[fd00::2]:8082", "http://10.0.0.3:8082"]);
    expect(problem).toBe(
      "Pod billing-2: step issue of the smoke test failed: issue on http://[fd00::2]:8082",
    );
    expect(evidence.lastSmokeTest).toMatchObject({ time: NOW, passed: false, evidence: "e" });
    expect(evidence.lastSmokeTest?.steps.map(({ message }) => message)).toEqual(
      ["list", "issue", "revoke"].map((name) => `${name} on http://[fd00::2]:8082`),
    );
  });
});
