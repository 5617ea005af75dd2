import { decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import type { SecretObject } from "../../../src/api/object.ts";
import {
  PUBLISH_MS,
  publishedKeys,
  RETIRE_MS,
  signingKey,
  signingKeyWatch,
} from "../../../src/operator/signing-key.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { cachesOf } from "../../support/builder/reconcile-context.ts";
import { base64, pem, secret, storing, useSigningKeys } from "../../support/server/signing-key.ts";
import { eventually } from "../../support/wait.ts";

const load = useSigningKeys();

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
    await eventually(() => expect(stored.secret).toBeDefined());
    const created = stored.secret as unknown as SecretObject;
    expect(created.data).not.toEqual(deleted.data);
    secrets.announce({ kind: "added", object: created });
    await eventually(() => expect(changes).toBe(1));

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
    await eventually(() => expect(stored.secret).toBeDefined());
    for (const { secrets } of replicas)
      secrets.announce({ kind: "added", object: stored.secret as unknown as SecretObject });
    await eventually(() => {
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
    await eventually(() => expect(stored.secret).toBeDefined());
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
    await eventually(() => expect(kidsOf(keys)).toHaveLength(2));
    before.clock.ms += 60_000;
    await rotate({ ...before, stored });
    await eventually(() => expect(kidsOf(keys)).toHaveLength(3));
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
    await eventually(() => expect(kidsOf(keys)).toHaveLength(2));
    const [next] = kidsOf(keys);
    let changes = 0;
    keys.onChange(() => {
      changes += 1;
    }, new AbortController().signal);
    const { "previous.json": previous, ...data } = created.data ?? {};
    expect(previous).toBeDefined();
    replica.secrets.announce({ kind: "updated", previous: created, object: { ...created, data } });
    await eventually(() => expect(changes).toBe(1));
    expect(kidsOf(keys)).toEqual([next]);
    expect(await kidOf(keys)).toBe(next);
  });

  it("publishes the former key too when a person writes another one into the Secret", async () => {
    const replica = await load(storing({ secret: secret({ "key.pem": base64(pem()) }) }));
    const keys = await replica.keys;
    const [former] = kidsOf(keys);
    const object = secret({ "key.pem": base64(pem()) });
    replica.secrets.announce({ kind: "updated", previous: object, object });
    await eventually(() => expect(kidsOf(keys)).toHaveLength(2));
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
    await eventually(() => expect(changes).toBe(1));
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

  it.each(["", "yesterday"])(
    "names the Secret and the remedy when the newest key has the time '%s'",
    async (since) => {
      const previous = JSON.stringify([{ pem: pem() }]);
      const data = { "key.pem": base64(pem()), since: base64(since), "previous.json": base64(previous) };
      const { keys } = await load(storing({ secret: secret(data) }));
      await expect(keys).rejects.toThrow(
        "Secret catalyst-system/catalyst-operator-key has no time under since: " +
          "write it in RFC 3339, or delete the Secret, and the operator creates a new key",
      );
    },
  );

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
