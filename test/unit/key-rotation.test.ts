import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { KINDS } from "../../src/api/kind-list.ts";
import {
  OPERATOR_HASH_SECRET,
  OPERATOR_KEY_SECRET,
  TRUST_CONFIG_MAP,
  WEBHOOK_TLS_SECRET,
} from "../../src/api/name.ts";
import type { SecretObject } from "../../src/api/object.ts";
import { signSharedSecretToken } from "../../src/billing/auth/shared-secret-token.ts";
import { createTokenVerifier } from "../../src/billing/auth/token.ts";
import { createSecretBox } from "../../src/billing/payment/secret-box.ts";
import { secretNames, secretsDigest } from "../../src/controllers/sovereign/secret.ts";
import { sovereignWatches } from "../../src/controllers/sovereign/watch.ts";
import { createOperatorKey } from "../../src/operator/operator-token.ts";
import { PUBLISH_MS, RETIRE_MS } from "../../src/operator/signing-key.ts";
import { sha256Digest } from "../../src/platform/canonical-json.ts";
import { createLogger } from "../../src/platform/log.ts";
import { sovereign } from "../support/builder/catalyst-object.ts";
import { readPage } from "../support/builder/documentation-page.ts";
import { cachesOf } from "../support/builder/reconcile-context.ts";

const [FORMER, NEXT] = ["the-former-key-0123456789-abcdefgh", "the-next-key-0123456789-abcdefghij"];

/** The runbook's text about changing a key. */
function wordsOn(key: string): string {
  const row = readPage("docs/runbook.md")
    .split("## Keys and secrets")[1]
    ?.split("\n")
    .find((line) => line.startsWith(`| ${key} |`));
  expect(row).toBeDefined();
  return row ?? "";
}

describe("the runbook's key rotation", () => {
  it("ends the tokens of a former JWT_SECRET in a process that has the new one", async () => {
    expect(wordsOn("`JWT_SECRET`")).toContain("a new Pod refuses all tokens of the old key");
    const now = new Date();
    const person = { userId: "fatma", email: "", role: "sovereign-admin", now };
    const verify = createTokenVerifier({
      settings: { sovereignFqdn: "omantel.omani.works", jwtSecret: NEXT },
      operatorKeys: () => undefined,
      now: () => now,
      logger: createLogger("test", "silent"),
    });
    await expect(verify(`Bearer ${await signSharedSecretToken(person, FORMER)}`)).rejects.toMatchObject({
      code: "token_invalid",
    });
    expect((await verify(`Bearer ${await signSharedSecretToken(person, NEXT)}`)).userId).toBe("fatma");
  });

  it("replaces Pods within the time that the runbook names", () => {
    expect(wordsOn("the database's password")).toContain("within seconds");
    expect(wordsOn("`JWT_SECRET`")).toContain("within seconds");
    const caches = cachesOf({ sovereigns: [sovereign("omantel")] });
    const enqueued: unknown[] = [];
    for (const watch of sovereignWatches(caches, { watch: { connect: () => undefined } }))
      watch.connect((...call) => void enqueued.push(call), new AbortController().signal);
    for (const name of ["billing-db", "billing-jwt"]) {
      const metadata = { name, namespace: "sovereign-omantel" };
      caches.secretVersions.announce({
        kind: "added",
        object: { apiVersion: "v1", kind: "Secret", metadata },
      });
    }
    expect(enqueued).toEqual([
      ["omantel", 0, "change"],
      ["omantel", 0, "change"],
    ]);
  });

  it("replaces the Pods for another key of Stripe", () => {
    expect(wordsOn("Stripe's keys")).toContain("change the Secret of `payments.secretRef`");
    const { billing } = sovereign("omantel").spec;
    const paid = sovereign("omantel", {
      billing: { ...billing, payments: { secretRef: { name: "stripe" } } },
    });
    const secret = (name: string, data: Record<string, string>): [string, SecretObject] => [
      name,
      { apiVersion: "v1", kind: "Secret", metadata: { name }, data },
    ];
    const digestOf = (data: Record<string, string>) => {
      const names = secretNames(paid).filter((name) => name !== "stripe");
      const secrets = new Map([...names.map((name) => secret(name, {})), secret("stripe", data)]);
      return secretsDigest(paid, secrets, sha256Digest);
    };
    // The digest is an annotation of the Pod template, so another digest replaces the Pods.
    const former = digestOf({ "secret-key": "one", "webhook-secret": "one" });
    expect(former).toBeDefined();
    expect(digestOf({ "secret-key": "two", "webhook-secret": "one" })).not.toBe(former);
    expect(digestOf({ "secret-key": "one", "webhook-secret": "two" })).not.toBe(former);
  });

  it("cannot open payment keys that the former key sealed", () => {
    expect(wordsOn("`JWT_SECRET`")).toContain("enter the payment keys again");
    const sealed = createSecretBox(FORMER).seal("a payment key");
    expect(() => createSecretBox(NEXT).open(sealed)).toThrow();
    expect(createSecretBox(FORMER).open(sealed)).toBe("a payment key");
  });

  it("signs with the operator's new key, and withdraws the former one, when the runbook says", () => {
    expect(wordsOn("the operator's key")).toContain("signs with the new one after five minutes");
    expect(wordsOn("the operator's key")).toContain("withdraws the old one after ten");
    expect(PUBLISH_MS).toBe(5 * 60_000);
    expect(PUBLISH_MS + RETIRE_MS).toBe(10 * 60_000);
    // The last token of the former key is still verified until it expires.
    expect(RETIRE_MS).toBeGreaterThan(4 * 60_000);
  });

  it("lets the last token of the operator's former key live for as long as the runbook says", async () => {
    expect(wordsOn("the operator's key")).toContain("lives for four minutes");
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = await createOperatorKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    const claims = (await key.mintToken("zero.example")).split(".")[1] ?? "";
    const { iat, exp } = JSON.parse(Buffer.from(claims, "base64url").toString());
    expect(exp - iat).toBe(4 * 60);
  });
});

/** The rows of docs/rotation.md: the key, and the tests that rehearse its rotation. */
const ROWS = readPage("docs/rotation.md")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| What "))
  .map((line) => line.split(" | "))
  .map(([what = "", , , tests = ""]) => [what.replace("| ", ""), tests] as const);

describe("docs/rotation.md", () => {
  it.each(ROWS)("names tests that exist for %s", (_, tests) => {
    const file = /`(test\/\S+\.test\.ts)`/.exec(tests)?.[1] ?? "";
    const titles = [...tests.matchAll(/"([^"]+)"/g)].map(([, title]) => title);
    expect(titles).not.toEqual([]);
    const text = readPage(file);
    expect(titles.filter((title) => !text.includes(`it("${title}"`))).toEqual([]);
  });

  it("has a row for each mode of the webhook's certificate", () => {
    const schema = JSON.parse(readPage("charts/catalyst-operator/values.schema.json"));
    const { mode } = schema.properties.webhook.properties.certificate.properties;
    const words: Record<string, string> = {
      operator: "made by the operator",
      secret: "`webhook.certificate.secretName`",
      "cert-manager": "`webhook.certificate.mode=cert-manager`",
    };
    expect(Object.keys(words).sort()).toEqual([...mode.enum].sort());
    const page = readPage("docs/rotation.md");
    expect(Object.values(words).filter((word) => !page.includes(word))).toEqual([]);
  });

  it("has a row for the operator's own Secrets, the trust, and each Secret that our kinds refer to", () => {
    const page = readPage("docs/rotation.md");
    const ours = [OPERATOR_KEY_SECRET, OPERATOR_HASH_SECRET, WEBHOOK_TLS_SECRET, TRUST_CONFIG_MAP];
    expect(ours.filter((name) => !page.includes(name))).toEqual([]);
    const references = KINDS.flatMap(({ spec }) => secretReferences(spec, "spec"));
    expect(references).toContain("spec.billing.database.secretRef");
    expect(references.filter((path) => !page.includes(`\`${path}\``))).toEqual([]);
  });
});

/** The paths of all schema fields that name a Secret. */
function secretReferences(schema: { properties?: Record<string, object> }, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const own = `${path}.${name}`;
    return /(?:secretRef|pullSecrets)$/i.test(name) ? [own] : secretReferences(field, own);
  });
}
