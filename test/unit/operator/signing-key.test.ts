import { generateKeyPairSync } from "node:crypto";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { SecretObject } from "../../../src/api/object.ts";
import { createKubeClient } from "../../../src/kube/client.ts";
import { SECRETS } from "../../../src/kube/resource.ts";
import {
  createSigningKeys,
  PUBLISH_MS,
  publishedKeys,
  RETIRE_MS,
  signingKey,
  signingKeyWatch,
} from "../../../src/operator/signing-key.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { cachesOf, fixedInformer } from "../../support/builder/reconcile-context.ts";
import { type Script, sendJson, sendRefusal, startScriptedApi } from "../../support/server/scripted-api.ts";

const PATH = "/api/v1/namespaces/catalyst-system/secrets";
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** `laterMs`: how much later than the others this replica starts. */
async function load(script: Script, laterMs = 0) {
  const api = await startScriptedApi(script);
  const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
  const stop = new AbortController();
  cleanups.push(
    () => api.close(),
    () => client.close(),
    () => stop.abort(),
  );
  const secrets = fixedInformer<SecretObject>(SECRETS);
  const clock = { ms: Date.parse("2026-11-29T12:00:00Z") + laterMs };
  const keys = createSigningKeys({
    ...{ client, secrets, logger: createLogger("test", "silent"), signal: stop.signal },
    now: () => new Date(clock.ms),
  });
  return { api, keys, secrets, clock };
}

/** An API server that stores the one Secret. */
function storing(stored: { secret?: SecretObject }): Script {
  return ({ method, body }, response) => {
    if (method === "POST" && stored.secret !== undefined) return sendRefusal(response, 409, "AlreadyExists");
    if (method === "POST") stored.secret = body as SecretObject;
    if (stored.secret === undefined) sendRefusal(response, 404, "NotFound");
    else sendJson(response, 200, stored.secret);
  };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const pem = () =>
  generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
const secret = (data?: Record<string, string>) =>
  ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "catalyst-operator-key", namespace: "catalyst-system" },
    ...(data === undefined ? {} : { data }),
  }) as SecretObject;

describe("createSigningKeys", () => {
  it("creates the Secret when it is missing, and signs tokens that its public half verifies", async () => {
    let stored: unknown;
    const { api, keys } = await load(({ method, body }, response) => {
      if (method === "POST") stored = body;
      if (stored === undefined) sendRefusal(response, 404, "NotFound");
      else sendJson(response, 200, stored);
    });
    const { jwks, mintToken } = await keys;
    expect(api.requests.map(({ method, path }) => `${method} ${path.slice(0, PATH.length)}`)).toEqual([
      `GET ${PATH}`,
      `POST ${PATH}`,
      `GET ${PATH}`,
    ]);
    expect(jwks().keys[0]).not.toHaveProperty("d");
    const { payload, protectedHeader } = await jwtVerify(
      await mintToken("zero.example"),
      createLocalJWKSet(jwks()),
      { issuer: "catalyst-operator", audience: "zero.example" },
    );
    expect(payload).toMatchObject({ role: "sovereign-admin", sub: "operator" });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(240);
    expect(protectedHeader).toMatchObject({ alg: "ES256", kid: jwks().keys[0]?.kid });
  });

  it("takes the key of another replica that creates the Secret first", async () => {
    const data = { "key.pem": base64(pem()) };
    let reads = 0;
    const { keys } = await load(({ method }, response) => {
      if (method === "POST") return sendRefusal(response, 409, "AlreadyExists");
      reads += 1;
      return reads === 1 ? sendRefusal(response, 404, "NotFound") : sendJson(response, 200, secret(data));
    });
    const other = await load((_, response) => sendJson(response, 200, secret(data)));
    expect((await keys).jwks()).toEqual((await other.keys).jwks());
  });

  it.each([
    ["has no data", undefined],
    ["has another key", { "other.pem": base64("x") }],
    ["holds garbage", { "key.pem": base64("garbage") }],
  ])("names the Secret and the remedy when it %s", async (_, data) => {
    const { keys } = await load(({ method }, response) =>
      method === "POST"
        ? sendRefusal(response, 409, "AlreadyExists")
        : sendJson(response, 200, secret(data as Record<string, string> | undefined)),
    );
    await expect(keys).rejects.toThrow(
      /^Secret catalyst-system\/[a-z-]+ has no P-256 private key under key\.pem: delete the Secret, and the operator creates a new key$/,
    );
  });

  it("rejects when the server refuses the new Secret", async () => {
    const { keys } = await load(({ method }, response) =>
      method === "POST" ? sendRefusal(response, 403, "Forbidden") : sendRefusal(response, 404, "NotFound"),
    );
    await expect(keys).rejects.toMatchObject({ reason: "Forbidden" });
  });
});

describe("the rotation of the signing key", () => {
  const kidOf = async (keys: { mintToken(fqdn: string): Promise<string> }) =>
    decodeProtectedHeader(await keys.mintToken("zero.example")).kid;
  const kidsOf = (keys: { jwks(): { keys: { kid?: string }[] } }) => keys.jwks().keys.map(({ kid }) => kid);

  it("publishes old and new together, signs with the new one later, and withdraws the old one last", async () => {
    const stored: { secret?: SecretObject } = {};
    const { keys: loading, secrets, clock } = await load(storing(stored));
    const keys = await loading;
    const [former] = kidsOf(keys);
    let changes = 0;
    keys.onChange(() => {
      changes += 1;
    }, new AbortController().signal);

    const deleted = stored.secret as SecretObject;
    delete stored.secret;
    secrets.announce({ kind: "deleted", object: deleted });
    await vi.waitFor(() => expect(stored.secret).toBeDefined());
    const created = stored.secret as unknown as SecretObject;
    expect(created.data).not.toEqual(deleted.data);
    secrets.announce({ kind: "added", object: created });
    await vi.waitFor(() => expect(changes).toBe(1));

    const [next, ...rest] = kidsOf(keys);
    expect(next).not.toBe(former);
    expect(rest).toEqual([former]);
    expect(await kidOf(keys)).toBe(former);
    clock.ms += PUBLISH_MS - 1;
    expect(await kidOf(keys)).toBe(former);
    clock.ms += 1;
    expect(await kidOf(keys)).toBe(next);
    expect(kidsOf(keys)).toEqual([next, former]);
    clock.ms += RETIRE_MS;
    expect(kidsOf(keys)).toEqual([next]);
  });

  it("gives all replicas one key when they see the deletion at once", async () => {
    const stored: { secret?: SecretObject } = {};
    const replicas = [await load(storing(stored)), await load(storing(stored))];
    const keys = await Promise.all(replicas.map(({ keys: loading }) => loading));
    const object = stored.secret as SecretObject;
    delete stored.secret;
    for (const { secrets } of replicas) secrets.announce({ kind: "deleted", object });
    await vi.waitFor(() => expect(stored.secret).toBeDefined());
    for (const { secrets } of replicas)
      secrets.announce({ kind: "added", object: stored.secret as unknown as SecretObject });
    await vi.waitFor(() => {
      for (const one of keys) expect(one.jwks().keys).toHaveLength(2);
    });
    expect(kidsOf(keys[0] as never)).toEqual(kidsOf(keys[1] as never));
  });

  it("keeps the key while the Secret holds none", async () => {
    const { keys: loading, secrets } = await load(storing({ secret: secret({ "key.pem": base64(pem()) }) }));
    const keys = await loading;
    const before = kidsOf(keys);
    const broken = secret({ "key.pem": base64("garbage") });
    secrets.announce({ kind: "updated", previous: broken, object: broken });
    await new Promise((done) => setImmediate(done));
    expect(kidsOf(keys)).toEqual(before);
    expect(await kidOf(keys)).toBe(before[0]);
  });

  /** Rotates the key: the Secret is deleted, and the operator creates another one. */
  async function rotate({
    secrets,
    stored,
  }: {
    secrets: Awaited<ReturnType<typeof load>>["secrets"];
    stored: { secret?: SecretObject };
  }) {
    const deleted = stored.secret as SecretObject;
    delete stored.secret;
    secrets.announce({ kind: "deleted", object: deleted });
    await vi.waitFor(() => expect(stored.secret).toBeDefined());
    const created = stored.secret as unknown as SecretObject;
    secrets.announce({ kind: "added", object: created });
    return created;
  }

  it("signs with the former key in a process that starts during the rotation", async () => {
    const stored: { secret?: SecretObject } = {};
    const before = await load(storing(stored));
    const [former] = kidsOf(await before.keys);
    await rotate({ ...before, stored });
    const after = await load(storing(stored), 60_000);
    const keys = await after.keys;
    const [next, ...rest] = kidsOf(keys);
    expect(rest).toEqual([former]);
    expect(next).not.toBe(former);
    expect(await kidOf(keys)).toBe(former);
    after.clock.ms += PUBLISH_MS - 60_000;
    expect(await kidOf(keys)).toBe(next);
    expect(kidsOf(keys)).toEqual([next, former]);
    after.clock.ms += RETIRE_MS;
    expect(kidsOf(keys)).toEqual([next]);
    const late = await load(storing(stored), PUBLISH_MS + RETIRE_MS);
    expect(kidsOf(await late.keys)).toEqual([next]);
  });

  it("keeps all keys of two rotations in a row for a process that starts then", async () => {
    const stored: { secret?: SecretObject } = {};
    const before = await load(storing(stored));
    const keys = await before.keys;
    const [first] = kidsOf(keys);
    await rotate({ ...before, stored });
    await vi.waitFor(() => expect(kidsOf(keys)).toHaveLength(2));
    before.clock.ms += 60_000;
    await rotate({ ...before, stored });
    await vi.waitFor(() => expect(kidsOf(keys)).toHaveLength(3));
    const after = await load(storing(stored), 60_000);
    expect(kidsOf(await after.keys)).toEqual(kidsOf(keys));
    expect(await kidOf(await after.keys)).toBe(first);
    // The second key signs five minutes after it was created, and not five minutes after this process started.
    after.clock.ms += PUBLISH_MS - 60_000;
    expect(await kidOf(await after.keys)).toBe(kidsOf(keys)[1]);
  });

  it("withdraws the former key at once when a person removes it from the Secret", async () => {
    const stored: { secret?: SecretObject } = {};
    const replica = await load(storing(stored));
    const keys = await replica.keys;
    const created = await rotate({ ...replica, stored });
    await vi.waitFor(() => expect(kidsOf(keys)).toHaveLength(2));
    const [next] = kidsOf(keys);
    let changes = 0;
    keys.onChange(() => {
      changes += 1;
    }, new AbortController().signal);
    const { "previous.json": previous, ...data } = created.data ?? {};
    expect(previous).toBeDefined();
    replica.secrets.announce({ kind: "updated", previous: created, object: { ...created, data } });
    await vi.waitFor(() => expect(changes).toBe(1));
    expect(kidsOf(keys)).toEqual([next]);
    expect(await kidOf(keys)).toBe(next);
  });

  it("publishes the former key too when a person writes another one into the Secret", async () => {
    const replica = await load(storing({ secret: secret({ "key.pem": base64(pem()) }) }));
    const keys = await replica.keys;
    const [former] = kidsOf(keys);
    const object = secret({ "key.pem": base64(pem()) });
    replica.secrets.announce({ kind: "updated", previous: object, object });
    await vi.waitFor(() => expect(kidsOf(keys)).toHaveLength(2));
    expect(kidsOf(keys)[1]).toBe(former);
    expect(await kidOf(keys)).toBe(former);
  });

  it("reconciles again when the former key of an earlier process is withdrawn", async () => {
    const stored: { secret?: SecretObject } = {};
    const before = await load(storing(stored));
    await before.keys;
    await rotate({ ...before, stored });
    const after = await load(storing(stored), PUBLISH_MS + RETIRE_MS - 50);
    let changes = 0;
    (await after.keys).onChange(() => {
      changes += 1;
    }, new AbortController().signal);
    await vi.waitFor(() => expect(changes).toBe(1));
  });

  it.each([
    ["is no JSON", "garbage"],
    ["is no list", "{}"],
    ["has an entry without a key", "[{}]"],
    ["has an entry with another time", `[{"pem":"x","since":"yesterday"}]`],
  ])("names the Secret and the remedy when previous.json %s", async (_, previous) => {
    const data = { "key.pem": base64(pem()), "previous.json": base64(previous) };
    const { keys } = await load(storing({ secret: secret(data) }));
    await expect(keys).rejects.toThrow(
      "Secret catalyst-system/catalyst-operator-key has no list of former keys under previous.json: " +
        "remove previous.json, and the operator withdraws its former keys",
    );
  });

  it("signs with the oldest known key while a second rotation follows the first", () => {
    const keys = [
      { key: "third", sinceMs: 30_000 },
      { key: "second", sinceMs: 0 },
      { key: "first", sinceMs: Number.NEGATIVE_INFINITY },
    ];
    const at = (ms: number) => [signingKey(keys, ms)?.key, publishedKeys(keys, ms).map(({ key }) => key)];
    expect(at(40_000)).toEqual(["first", ["third", "second", "first"]]);
    expect(at(PUBLISH_MS)).toEqual(["second", ["third", "second", "first"]]);
    expect(at(PUBLISH_MS + 30_000)).toEqual(["third", ["third", "second", "first"]]);
    expect(at(PUBLISH_MS + RETIRE_MS)).toEqual(["third", ["third", "second"]]);
    expect(at(PUBLISH_MS + RETIRE_MS + 30_000)).toEqual(["third", ["third"]]);
  });

  it("reconciles every Sovereign, because their ConfigMaps hold the keys", () => {
    const { sovereigns } = cachesOf({ sovereigns: [sovereign("a"), sovereign("b")] });
    const handlers: (() => void)[] = [];
    const keys = { onChange: (handler: () => void) => void handlers.push(handler) };
    const enqueued: string[] = [];
    signingKeyWatch(keys as never, sovereigns).connect(
      (name) => void enqueued.push(name),
      new AbortController().signal,
    );
    for (const handler of handlers) handler();
    expect(enqueued).toEqual(["a", "b"]);
  });
});
