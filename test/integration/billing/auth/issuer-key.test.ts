import type { JWTPayload } from "jose";
import { describe, expect, it } from "vitest";
import {
  AGED_MS,
  advance,
  askWith,
  COOLDOWN_MS,
  HOLDS,
  INVALID,
  issuer,
  nowMs,
  stopClock,
  UNAVAILABLE,
  useTokenIssuer,
} from "../../../support/suite/token-issuer.ts";

useTokenIssuer();

describe("the issuer's keys", () => {
  it("fetches the issuer's keys once for many first requests, and caches them", async () => {
    const token = await issuer.clientToken();
    const answers = await Promise.all(Array.from({ length: 20 }, () => askWith(token)));
    expect(answers).toEqual(Array(20).fill(HOLDS));
    advance(200_000);
    expect(await askWith(await issuer.forge({ iat: undefined } as unknown as JWTPayload))).toEqual(HOLDS);
    expect(issuer.asked).toEqual({ discovery: 1, keys: 1 });
  });

  it("accepts rotated keys without a restart, and old keys while the issuer publishes them", async () => {
    const before = await issuer.clientToken();
    expect(await askWith(before)).toEqual(HOLDS);
    advance(COOLDOWN_MS);
    await issuer.rotate({ alg: "ES256" });
    expect(await askWith(await issuer.forge())).toEqual(HOLDS);
    expect(await askWith(before)).toEqual(HOLDS);
    expect(issuer.asked.keys).toBe(2);
  });

  it("refuses a withdrawn key after five minutes", async () => {
    const inTime = { exp: Math.floor(Date.now() / 1000) + 3_600 };
    const withdrawn = await issuer.forge(inTime);
    expect(await askWith(withdrawn)).toEqual(HOLDS);
    await issuer.rotate({ withdraw: true });
    advance(AGED_MS);
    expect(await askWith(withdrawn)).toEqual(INVALID);
    expect(await askWith(await issuer.forge(inTime))).toEqual(HOLDS);
  });

  it("fetches the keys once per cooldown when many unknown key ids arrive", async () => {
    expect(await askWith(await issuer.clientToken())).toEqual(HOLDS);
    const unknown = await Promise.all(
      Array.from({ length: 40 }, (_, index) => issuer.forge({}, { kid: `flood-${index}` })),
    );
    stopClock();
    for (let wave = 1; wave <= 3; wave += 1) {
      advance(COOLDOWN_MS);
      const flood = await Promise.all(unknown.map((token) => askWith(token)));
      expect(flood).toEqual(Array(40).fill(INVALID));
      expect(issuer.asked).toEqual({ discovery: 1, keys: 1 + wave });
    }
  });

  it("finds a key in a large key set", async () => {
    await issuer.crowd(900);
    expect(await askWith(await issuer.forge())).toEqual(HOLDS);
    // Without a key id, 901 keys are possible.
    expect(await askWith(await issuer.forge({}, { kid: undefined }))).toEqual(INVALID);
  });

  it("refuses a key set above the size limit", async () => {
    await issuer.crowd(1_001);
    expect(await askWith(await issuer.forge())).toEqual(UNAVAILABLE);
  });
});

describe("an issuer that changes", () => {
  it("refuses all tokens of an issuer that publishes no keys", async () => {
    const token = await issuer.clientToken();
    issuer.state = "empty";
    expect(await askWith(token)).toEqual(INVALID);
  });

  it("ignores the keys of an issuer with another name, and accepts old tokens by the known keys", async () => {
    const token = await issuer.clientToken();
    const name = issuer.issuer;
    await issuer.rename("https://elsewhere.example/realms/om");
    expect(await askWith(token)).toEqual(UNAVAILABLE);
    await issuer.rename(name);
    advance(COOLDOWN_MS);
    expect(await askWith(token)).toEqual(HOLDS);
    await issuer.rename("https://elsewhere.example/realms/om");
    expect(await askWith(token)).toEqual(HOLDS);
    expect(await askWith(await issuer.forge({ iss: "https://elsewhere.example/realms/om" }))).toEqual(
      INVALID,
    );
  });

  it("fetches the keys again after the clock was set back", async () => {
    expect(await askWith(await issuer.clientToken())).toEqual(HOLDS);
    advance(-3_600_000);
    await issuer.rotate();
    const nowS = Math.floor(nowMs() / 1000);
    expect(await askWith(await issuer.forge({ iat: nowS, exp: nowS + 60 }))).toEqual(HOLDS);
  });
});
