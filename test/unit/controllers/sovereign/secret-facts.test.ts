import { describe, expect, it } from "vitest";
import type { KubernetesObject, SecretObject } from "../../../../src/api/object.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { databaseIdentity, secretsDigest } from "../../../../src/controllers/sovereign/secret.ts";
import { createSecretReader, secretFactsOf } from "../../../../src/controllers/sovereign/secret-facts.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import { SECRETS } from "../../../../src/kube/resource.ts";
import { sha256Digest } from "../../../../src/platform/canonical-json.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";

const NAMESPACE = "sovereign-omantel";
const URL = "postgres://billing:secret@db/billing";
const base64 = (text: string) => Buffer.from(text).toString("base64");
const secret = (name: string, resourceVersion = "1", url = URL): SecretObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: NAMESPACE, uid: `uid-${name}`, resourceVersion },
  data: { uri: base64(url), secret: base64("k".repeat(32)) },
});
const DB = secret("billing-db");
const JWT = secret("billing-jwt");

function own(generation = 1): Sovereign {
  const omantel = sovereign("omantel");
  return { ...omantel, metadata: { ...omantel.metadata, uid: "uid-omantel", generation } };
}

/** A reader with an API server that has `stored` and a watch that shows `shown`. The test may change both lists. */
function readerOf(
  world: { stored: SecretObject[]; shown: KubernetesObject[] },
  { silentForMs, isNew }: { silentForMs: number | undefined; isNew?: boolean } = { silentForMs: 0 },
) {
  const reads: string[] = [];
  const client = {
    get: async (_resource: unknown, { name }: { name: string }) => {
      reads.push(name);
      return world.stored.find(({ metadata }) => metadata.name === name);
    },
  } as unknown as KubeClient;
  const reader = createSecretReader({
    client,
    secretVersions: {
      get: (key) => fixedInformer(SECRETS, world.shown).get(key),
      silentForMs: () => silentForMs,
    },
    applier: { isNew: (namespace) => isNew === true && namespace === NAMESPACE },
    keyedDigest: (text) => sha256Digest(`key ${text}`),
  });
  return { reader, reads };
}

describe("the facts of Secrets", () => {
  it("are the digest, the database, the login and the problems, without a value", async () => {
    const secrets = new Map([
      ["billing-db", DB],
      ["billing-jwt", JWT],
    ]);
    const { databaseUrl, ...facts } = secretFactsOf(own(), secrets, sha256Digest);
    expect(facts).toEqual({
      digest: secretsDigest(own(), secrets, sha256Digest),
      database: databaseIdentity(own(), secrets),
      hasDatabaseSecret: true,
      login: sha256Digest(URL),
      problem: undefined,
      migrationProblem: undefined,
    });
    expect(await databaseUrl()).toBe(URL);
  });

  it("name what is missing for the Pods and for the migration", () => {
    const split = own();
    split.spec.billing.database.migrationSecretRef = { name: "owner", key: "migrationUri" };
    const { digest, login, hasDatabaseSecret, problem, migrationProblem } = secretFactsOf(
      split,
      new Map([
        ["billing-db", DB],
        ["billing-jwt", JWT],
        ["owner", undefined],
      ]),
      sha256Digest,
    );
    // The Pods do not need the Secret of the migrating role.
    expect([typeof digest, typeof login, hasDatabaseSecret, problem]).toEqual([
      "string",
      "string",
      true,
      undefined,
    ]);
    expect(migrationProblem).toEqual({
      reason: "SecretMissing",
      message:
        "Secret sovereign-omantel/owner does not exist: create it with key migrationUri, which must be a postgres:// URL",
    });
    expect(secretFactsOf(split, new Map(), sha256Digest)).toMatchObject({
      ...{ digest: undefined, database: undefined, login: undefined, hasDatabaseSecret: false },
      problem: { reason: "SecretMissing" },
    });
  });
});

describe("the reader of Secrets", () => {
  it("asks once for Secrets of the versions that the watch shows, and again for each other version", async () => {
    const world = { stored: [DB, JWT], shown: [DB, JWT] as KubernetesObject[] };
    const { reader, reads } = readerOf(world);
    const first = await reader.read(own());
    expect(reads).toEqual(["billing-db", "billing-jwt"]);
    const { databaseUrl, ...again } = await reader.read(own());
    expect(reads).toHaveLength(2);
    expect(first).toMatchObject(again);
    expect(await databaseUrl()).toBe(URL);
    expect(reads.slice(2)).toEqual(["billing-db"]);

    const changed = secret("billing-db", "2", "postgres://billing:other@db/billing");
    world.stored = [changed, JWT];
    world.shown = [changed, JWT];
    const { login } = await reader.read(own());
    expect(login).not.toBe(first.login);
    expect(reads.slice(3)).toEqual(["billing-db", "billing-jwt"]);
  });

  it("asks again when the spec takes other keys, and for a Sovereign that was deleted in between", async () => {
    const { reader, reads } = readerOf({ stored: [DB, JWT], shown: [DB, JWT] });
    await reader.read(own());
    const scaled = own(2);
    scaled.spec.billing.replicas += 1;
    await reader.read(scaled);
    expect(reads).toHaveLength(2);
    const changed = own(3);
    changed.spec.billing.auth = { secretRef: { name: "billing-jwt", key: "other" } };
    expect(await reader.read(changed)).toMatchObject({ problem: { reason: "KeyMissing" } });
    expect(reads).toHaveLength(4);
    reader.forget("omantel");
    await reader.read(changed);
    expect(reads).toHaveLength(6);
  });

  it.each<[string, SecretObject[], KubernetesObject[], number | undefined]>([
    ["a Secret does not exist", [DB], [DB], 0],
    ["the watch is behind what was read", [DB, JWT], [secret("billing-db", "0"), JWT], 0],
    ["the watch does not show a Secret yet", [DB, JWT], [DB], 0],
    ["the watch is silent for minutes", [DB, JWT], [DB, JWT], 180_000],
    ["Secrets cannot be watched", [DB, JWT], [DB, JWT], undefined],
  ])("asks at each reconcile while %s", async (_while, stored, shown, silentForMs) => {
    const { reader, reads } = readerOf({ stored, shown }, { silentForMs });
    await reader.read(own());
    await reader.read(own());
    expect(reads).toHaveLength(4);
  });

  it.each<[string, Sovereign, number | undefined, SecretObject[], string[]]>([
    ["asks for none while the watch shows none", own(), 0, [], []],
    ["asks for all of them when the watch shows one", own(), 0, [DB], ["billing-db", "billing-jwt"]],
    ["asks for all of them after the spec changed", own(2), 0, [], ["billing-db", "billing-jwt"]],
    ["asks for all where Secrets cannot be watched", own(), undefined, [], ["billing-db", "billing-jwt"]],
  ])("in a namespace that this process created, %s", async (_what, omantel, silentForMs, shown, expected) => {
    const { reader, reads } = readerOf({ stored: shown, shown }, { silentForMs, isNew: true });
    expect(await reader.read(omantel)).toMatchObject({ problem: { reason: "SecretMissing" } });
    expect(reads).toEqual(expected);
  });

  it("in a namespace that this process created, finds a Secret that the watch does not show before another", async () => {
    const world = { stored: [DB, JWT], shown: [] as KubernetesObject[] };
    const { reader, reads } = readerOf(world, { silentForMs: 0, isNew: true });
    expect(await reader.read(own())).toMatchObject({ problem: { reason: "SecretMissing" } });
    world.shown = [DB];
    const { digest, problem } = await reader.read(own());
    expect([typeof digest, problem]).toEqual(["string", undefined]);
    expect(reads).toEqual(["billing-db", "billing-jwt"]);
  });
});
