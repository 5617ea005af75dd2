import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SecretObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { SECRETS } from "../../../src/kube/resource.ts";
import { createEnvironmentReader, isMigrated } from "../../../src/operator/billing-environment.ts";
import { createDatabaseUrlReader } from "../../../src/operator/database-url.ts";
import { condition, sovereign } from "../../support/builder/catalyst-object.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";
import { eventually } from "../../support/wait.ts";

let cluster: OperatorCluster;
beforeAll(async () => {
  cluster = await startOperatorCluster("environment-test");
});
afterAll(() => cluster?.close());

const URL = "postgresql://user:pw@postgres.example:5432/billing";

/** A Sovereign with a namespace that has these Secrets: name to key and value. */
async function prepare(name: string, secrets: Record<string, [key: string, value: string]>) {
  await cluster.createNamespace(`sovereign-${name}`);
  for (const [secret, [key, value]] of Object.entries(secrets))
    await cluster.writeSecret(`sovereign-${name}`, secret, key, value);
  return sovereign(name);
}

/** A client that counts its readings, and the caches. */
function counting() {
  let requests = 0;
  const client: typeof cluster.client = {
    ...cluster.client,
    get: (...args) => {
      requests += 1;
      return cluster.client.get(...args);
    },
  };
  return { client, secretVersions: cluster.caches.secretVersions, requests: () => requests };
}

/** A reader, and the number of its requests. */
function createReader() {
  const { requests, ...deps } = counting();
  return { ...createDatabaseUrlReader(deps), requests };
}

describe("the reader of database URLs", () => {
  it.each<[string, Record<string, [string, string]>, string | undefined]>([
    ["reads the key that the Sovereign names", { "billing-db": ["uri", URL] }, URL],
    ["returns undefined without the Secret", {}, undefined],
    ["returns undefined without the key", { "billing-db": ["other", URL] }, undefined],
  ])("%s", async (title, secrets, url) => {
    const one = await prepare(`url-${title.length}`, secrets);
    expect(await createReader().read(one)).toBe(url);
  });

  it("reads the namespace that the Sovereign names", async () => {
    await cluster.createNamespace("elsewhere");
    await cluster.writeSecret("elsewhere", "billing-db", "uri", URL);
    expect(await createReader().read(sovereign("moved", { namespace: "elsewhere" }))).toBe(URL);
  });

  it("resolves a host name without dots in the Sovereign's namespace", async () => {
    const one = await prepare("short", { "billing-db": ["uri", "postgresql://user:pw@db:5432/billing"] });
    expect(await createReader().read(one)).toBe("postgresql://user:pw@db.sovereign-short.svc:5432/billing");
  });

  it("sends a request only when the Secret has changed", async () => {
    await prepare("cached", { "billing-db": ["uri", URL] });
    const one = await cluster.createSovereign("cached", {}, true);
    const reader = createReader();
    const version = () => cluster.caches.secretVersions.get("sovereign-cached/billing-db")?.metadata;
    // It is older than the Sovereign that names it.
    await eventually(() => expect(version()).toBeDefined());
    for (let pass = 0; pass < 3; pass += 1) expect(await reader.read(one)).toBe(URL);
    expect(reader.requests()).toBe(1);
    const { uid } = version() ?? {};
    await cluster.writeSecret("sovereign-cached", "billing-db", "uri", `${URL}2`);
    await eventually(() => expect([undefined, uid]).not.toContain(version()?.uid));
    expect(await reader.read(one)).toBe(`${URL}2`);
    expect(reader.requests()).toBe(2);
  });

  it("sends a request each time where the versions of Secrets can no longer be watched", async () => {
    const one = await prepare("silent", { "billing-db": ["uri", URL] });
    const { client, requests } = counting();
    const shown = await cluster.client.get<SecretObject>(SECRETS, {
      namespace: "sovereign-silent",
      name: "billing-db",
    });
    const secretVersions = { get: () => shown, silentForMs: () => 150_000 };
    const reader = createDatabaseUrlReader({ client, secretVersions });
    for (let pass = 1; pass <= 2; pass += 1) {
      expect(await reader.read(one)).toBe(URL);
      expect(requests()).toBe(pass);
    }
  });
});

describe("the reader of billing environments", () => {
  it("resolves values and Secrets as a kubelet does, and leaves out optional Secrets that are missing", async () => {
    const one = await prepare("whole", {
      "billing-db": ["uri", URL],
      "billing-jwt": ["secret", "0123456789-0123456789-0123456789"],
    });
    const env = await createEnvironmentReader(counting())(one);
    expect(env).toMatchObject({
      DATABASE_URL: URL,
      JWT_SECRET: "0123456789-0123456789-0123456789",
      SOVEREIGN_FQDN: "whole.example",
    });
    expect(Object.values(env ?? {}).every((value) => typeof value === "string")).toBe(true);
  });

  it("returns undefined while a Secret that the Pods need is missing", async () => {
    const one = await prepare("half", { "billing-db": ["uri", URL] });
    expect(await createEnvironmentReader(counting())(one)).toBeUndefined();
  });

  it("sends requests only when a Secret or the Sovereign has changed", async () => {
    const jwt: [string, string] = ["secret", "0123456789-0123456789-0123456789"];
    await prepare("watched", { "billing-db": ["uri", URL], "billing-jwt": jwt });
    const one = await cluster.createSovereign("watched", {}, true);
    const { requests, ...deps } = counting();
    const { secretVersions } = deps;
    const versions = () =>
      ["billing-db", "billing-jwt"].map(
        (name) => secretVersions.get(`sovereign-watched/${name}`)?.metadata.uid,
      );
    await eventually(() => expect(versions()).not.toContain(undefined));
    const read = createEnvironmentReader(deps);
    const first = await read(one);
    const perReading = requests();
    expect(first?.DATABASE_URL).toBe(URL);
    for (let pass = 0; pass < 3; pass += 1) expect(await read(one)).toEqual(first);
    expect(requests()).toBe(perReading);
    const before = versions();
    await cluster.writeSecret("sovereign-watched", "billing-db", "uri", `${URL}2`);
    await eventually(() => expect(versions()).not.toEqual(before));
    await eventually(async () => expect((await read(one))?.DATABASE_URL).toBe(`${URL}2`));
    const renamed = { ...one, spec: { ...one.spec, fqdn: "other.example" } };
    expect((await read(renamed))?.SOVEREIGN_FQDN).toBe("other.example");
  });

  it.each([
    ["cannot", "withheld", undefined],
    ["can no longer", "withdrawn", 150_000],
  ])("sends requests each time where the versions of Secrets %s be watched", async (_, name, silentForMs) => {
    const one = await prepare(name, { "billing-db": ["uri", URL] });
    const { client, requests } = counting();
    const secretVersions = { get: () => undefined, silentForMs: () => silentForMs };
    const read = createEnvironmentReader({ client, secretVersions });
    await read(one);
    const perReading = requests();
    expect(perReading).toBeGreaterThan(0);
    await read(one);
    expect(requests()).toBe(2 * perReading);
  });
});

describe("isMigrated", () => {
  const migrated = { conditions: [condition("Migrated", "True")] };
  it.each<[string, Sovereign, boolean]>([
    ["a local Sovereign with the schema", sovereign("a", {}, migrated), true],
    ["one without a status", sovereign("a"), false],
    [
      "one whose migration is pending",
      sovereign("a", {}, { conditions: [condition("Migrated", "False")] }),
      false,
    ],
    ["a suspended one", sovereign("a", { suspend: true }, migrated), false],
    [
      "one of another cluster",
      sovereign("a", { cluster: { kubeconfigSecretRef: { name: "c", key: "k" } } } as never, migrated),
      false,
    ],
  ])("is true only for a usable database: %s", (_, one, expected) => {
    expect(isMigrated(one)).toBe(expected);
  });
});
