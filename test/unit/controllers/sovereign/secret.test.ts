import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { SecretObject } from "../../../../src/api/object.ts";
import {
  allSecretNames,
  databaseIdentity,
  type Secrets,
  secretNames,
  secretsDigest,
} from "../../../../src/controllers/sovereign/secret.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";

describe("the Secrets that a Sovereign runs with", () => {
  const secret = (name: string, resourceVersion: string, uri?: string): [string, SecretObject] => [
    name,
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, uid: `uid-${name}`, resourceVersion },
      ...(uri === undefined ? {} : { data: { uri: Buffer.from(uri).toString("base64") } }),
    },
  ];
  const own = sovereign("omantel");
  const at = (uri: string, version = "1"): Secrets =>
    new Map([secret("billing-db", version, uri), secret("billing-jwt", "1")]);
  const first = databaseIdentity(own, at("postgres://billing:one@db:5432/billing?sslmode=require"));

  it("reads the Secrets that billing's environment refers to", () =>
    expect(secretNames(own)).toEqual(["billing-db", "billing-jwt"]));

  it.each([
    ["the same with another password", "postgres://billing:two@db:5432/billing", true],
    ["the same with a password that looks like an address", "postgres://billing:a@b/c@db:5432/billing", true],
    ["another on another host", "postgres://billing:one@other:5432/billing", false],
    ["another of another name", "postgres://billing:one@db:5432/restored", false],
  ])("identifies the database: %s", (_which, uri, isSame) => {
    expect(databaseIdentity(own, at(uri)) === first).toBe(isSame);
  });

  it("identifies another database when another role migrates it, so that the Job runs again", () => {
    const apart = sovereign("omantel");
    apart.spec.billing.database.migrationSecretRef = { name: "billing-db", key: "migrationUri" };
    const secrets = at("postgres://billing:one@db:5432/billing");
    expect(databaseIdentity(apart, secrets)).not.toBe(first);
    expect(databaseIdentity(apart, secrets)).toBe(databaseIdentity(apart, secrets));
    expect(secretNames(apart)).toEqual(secretNames(own));
  });

  it("identifies no database without a URL", () => {
    expect(databaseIdentity(own, new Map([["billing-db", undefined]]))).toBeUndefined();
  });

  it("identifies another database when the Secret was created again, and none when the value is empty", () => {
    const uri = "postgres://billing:one@db:5432/billing";
    const again = new Map(at(uri));
    const [, db] = secret("billing-db", "1", uri);
    again.set("billing-db", { ...db, metadata: { ...db.metadata, uid: "uid-again" } });
    expect(databaseIdentity(own, again)).not.toBe(first);
    const { uid: _, ...withoutUid } = db.metadata;
    expect(databaseIdentity(own, new Map([["billing-db", { ...db, metadata: withoutUid }]]))).toMatch(
      /^sha256:/,
    );
    expect(databaseIdentity(own, at(""))).toBeUndefined();
  });

  const digestOf = (secrets: Secrets, key = "k") =>
    secretsDigest(own, secrets, (text) => createHmac("sha256", key).update(text).digest("hex"));

  it("changes the digest with a value that the Pods use, and with nothing else of a Secret", () => {
    const uri = "postgres://db/billing";
    const first = digestOf(at(uri, "1"));
    expect(digestOf(at(uri, "2"))).toBe(first);
    expect(digestOf(at("postgres://db/other", "1"))).not.toBe(first);
    const [name, stored] = secret("billing-db", "3", uri);
    const annotated = {
      ...stored,
      metadata: { ...stored.metadata, uid: "again", annotations: { note: "x" } },
      data: { ...stored.data, unused: "eA==" },
    };
    expect(digestOf(new Map([...at(uri), [name, annotated]]))).toBe(first);
    expect(digestOf(at(uri), "another key")).not.toBe(first);
  });

  it("keeps the Pods and the database for a new password of the migrating role", () => {
    const apart = sovereign("omantel");
    apart.spec.billing.database.migrationSecretRef = { name: "billing-migration", key: "uri" };
    const withPassword = (password: string): Secrets =>
      new Map([
        ...at("postgres://db/billing"),
        secret("billing-migration", "1", `postgres://owner:${password}@db/billing`),
      ]);
    const former = withPassword("one");
    const next = withPassword("two");
    const digest = (secrets: Secrets) => secretsDigest(apart, secrets, (text) => text);
    expect(digest(next)).toBe(digest(former));
    expect(databaseIdentity(apart, next)).toBe(databaseIdentity(apart, former));
    expect(allSecretNames(apart)).toContain("billing-migration");
  });

  it("keeps the Pods for new credentials of the registry, which only the kubelet reads", () => {
    const pulling = sovereign("omantel");
    pulling.spec.billing.imagePullSecrets = [{ name: "registry" }];
    const withVersion = (version: string): Secrets =>
      new Map([...at("postgres://db/billing"), secret("registry", version)]);
    const digest = (secrets: Secrets) => secretsDigest(pulling, secrets, (text) => text);
    expect(digest(withVersion("1"))).toBeDefined();
    expect(digest(withVersion("2"))).toBe(digest(withVersion("1")));
    expect(allSecretNames(pulling)).not.toContain("registry");
  });

  it("has no digest while a Secret is missing", () => {
    expect(digestOf(new Map([secret("billing-db", "1"), ["billing-jwt", undefined]]))).toBeUndefined();
  });
});
