import { describe, expect, it } from "vitest";
import { trustProblems } from "../../../src/operator/trust-config-map.ts";

const manifest = (kind: string, name: string, data?: Record<string, string>) => ({
  apiVersion: "v1",
  kind,
  metadata: { name },
  ...(data === undefined ? {} : { data }),
});
const BROKEN = { "trust.yaml": "allowedRegistries: 5\nother: 1\n" };

describe("trustProblems", () => {
  it("names the key of an invalid trust, in one line", () => {
    const problems = trustProblems(manifest("ConfigMap", "catalyst-trust", BROKEN));
    expect(problems).toEqual([expect.stringMatching(/^data\[trust\.yaml\]: [^\n]+$/)]);
  });

  it.each([
    [
      "a valid trust",
      manifest("ConfigMap", "catalyst-trust", { "trust.yaml": "allowedRegistries: [a.example]" }),
    ],
    ["no data", manifest("ConfigMap", "catalyst-trust")],
    ["another ConfigMap", manifest("ConfigMap", "other", BROKEN)],
    ["another kind", manifest("Secret", "catalyst-trust", BROKEN)],
  ])("finds no problem in %s", (_, object) => {
    expect(trustProblems(object)).toEqual([]);
  });
});
