import { describe, expect, it } from "vitest";
import type { SecretObject } from "../../../../src/api/object.ts";
import type { EnvVariable } from "../../../../src/controllers/sovereign/desired-pod.ts";
import { findSecretProblem } from "../../../../src/controllers/sovereign/secret-rule.ts";

const variable = (name: string, optional?: boolean): EnvVariable => ({
  name,
  valueFrom: { secretKeyRef: { name: "s", key: "k", ...(optional === undefined ? {} : { optional }) } },
});
const secret = (data: Record<string, string>): SecretObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "s" },
  data: Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  ),
});
const find = (each: EnvVariable, found: SecretObject | undefined) =>
  findSecretProblem([{ name: "PORT", value: "8080" }, each], new Map([["s", found]]), "ns");

describe("findSecretProblem", () => {
  it.each([
    ["JWT_SECRET", "k".repeat(32)],
    ["JWT_SECRET", "é".repeat(16)],
    ["DATABASE_URL", "postgres://db/billing"],
    ["DATABASE_URL", "postgres://db/billing\r\n"],
    ["SERVING_DATABASE_URL", "postgresql://db/billing"],
    ["STRIPE_SECRET_KEY", "x"],
  ])("accepts %s=%j", (name, value) => {
    expect(find(variable(name), secret({ k: value }))).toBeUndefined();
  });

  it.each([
    ["JWT_SECRET", "k".repeat(31), "have at least 32 bytes"],
    ["JWT_SECRET", ` ${"k".repeat(31)}\n`, "have at least 32 bytes"],
    ["DATABASE_URL", "db:5432", "be a postgres:// URL"],
    ["SERVING_DATABASE_URL", "https://db", "be a postgres:// URL"],
    ["STRIPE_SECRET_KEY", "", "not be empty"],
  ])("names the rule that the value of %s breaks, and never the value", (name, value, rule) => {
    expect(find(variable(name), secret({ k: value }))).toEqual({
      reason: "KeyInvalid",
      message: `Secret ns/s, key k: the value must ${rule}`,
    });
  });

  it("names a Secret and a key that do not exist, with the rule of the value", () => {
    expect([
      find(variable("JWT_SECRET"), undefined),
      find(variable("JWT_SECRET"), secret({ other: "" })),
    ]).toEqual([
      {
        reason: "SecretMissing",
        message: "Secret ns/s does not exist: create it with key k, which must have at least 32 bytes",
      },
      {
        reason: "KeyMissing",
        message: "Secret ns/s has no key k: add it; its value must have at least 32 bytes",
      },
    ]);
  });

  it.each([undefined, secret({})])("needs no optional key", (found) => {
    expect(find(variable("STRIPE_PUBLIC_KEY", true), found)).toBeUndefined();
  });
});
