import { describe, expect, it } from "vitest";
import { summariseSovereign } from "../../../src/controllers/summary.ts";
import { condition, NOW, sovereign } from "../../support/builder/catalyst-object.ts";

const found = (type: string, status: "True" | "False" | "Unknown", reason: string, message: string) => ({
  ...condition(type, status),
  ...{ reason, message },
});
const NOT_CHECKED = "the operator could not read what this condition describes: condition Ready says why";
const summarise = (...conditions: ReturnType<typeof found>[]) =>
  summariseSovereign(sovereign("one", {}, { conditions }), []);

describe("summariseSovereign", () => {
  it("names the conditions that do not count for Ready, also of a Ready Sovereign", () => {
    const { ready, heldBy, also } = summarise(
      found("Ready", "True", "Ready", "ready"),
      found("IssuerReachable", "False", "UnknownAuthority", "name the authority"),
      found("Migrated", "True", "Migrated", ""),
    );
    expect([ready, heldBy]).toEqual(["True", undefined]);
    expect(also).toEqual([
      { reason: "IssuerReachable UnknownAuthority", message: "name the authority", since: NOW },
    ]);
  });

  it("leaves out what Ready says already, and what was not checked because of it", () => {
    const refusal = ["WriteForbidden", "a policy denies it"] as const;
    const { heldBy, also } = summarise(
      found("Ready", "False", ...refusal),
      found("Stalled", "True", ...refusal),
      found("InSync", "False", ...refusal),
      found("RolledOut", "Unknown", "WriteForbidden", NOT_CHECKED),
      found("VoucherShapeVerified", "Unknown", "ShapeDiffers", NOT_CHECKED),
      found("Migrated", "False", "PodsRefused", "raise the quota"),
    );
    expect(heldBy).toMatchObject({ reason: "WriteForbidden", message: "a policy denies it" });
    expect(also.map(({ reason }) => reason)).toEqual([
      "VoucherShapeVerified ShapeDiffers",
      "Migrated PodsRefused",
    ]);
  });
});
