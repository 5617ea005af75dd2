import { createServer } from "node:http";
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createOperatorKey,
  FQDN,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { type Issuer, type Mood, startIssuer } from "../../../support/server/issuer.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";

const ROLES = { sara: ["sovereign-admin"], marketplace: ["superadmin"] };

let database: TestDatabase;
let issuer: Issuer;
let billing: TestBilling;
let offsetMs: number;
/** The moment at which the service's clock stands. Undefined: it runs. */
let stoppedAtMs: number | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

beforeEach(async () => {
  offsetMs = 0;
  stoppedAtMs = undefined;
  issuer = await startIssuer({ roles: ROLES });
  billing = await start();
});
afterEach(async () => {
  await billing.close();
  await issuer.close();
});

function start(env: Record<string, string> = {}): Promise<TestBilling> {
  return startBilling({
    database,
    now: () => new Date((stoppedAtMs ?? Date.now()) + offsetMs),
    env: { OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: issuer.audience, ...env },
  });
}

/** A slow machine lets a cooldown pass, and tests that count requests within one stop the clock. Make the tokens first. */
function stopClock(): void {
  stoppedAtMs = Date.now();
}

async function ask(token: string, path = "/billing/balance"): Promise<[number, string | undefined]> {
  const { status, json } = await billing.ask(path, { token });
  return [status, json?.code];
}

const HOLDS = [200, undefined];
const INVALID = [401, "token_invalid"];
const UNAVAILABLE = [503, "issuer_unavailable"];
const COOLDOWN_MS = 2_100;
const AGED_MS = 301_000;

describe("tokens of a real OpenID Connect server", () => {
  it("accepts a person's and a client's token, each with its own roles", async () => {
    const { accessToken } = await issuer.signIn("sara");
    expect(await ask(accessToken, "/billing/vouchers/list")).toEqual(HOLDS);
    expect(await ask(accessToken, "/billing/admin/orders")).toEqual([403, "role_missing"]);
    expect(await ask(await issuer.clientToken(), "/billing/admin/orders")).toEqual(HOLDS);
    const { accessToken: nobody } = await issuer.signIn("nobody");
    expect(await ask(nobody)).toEqual(HOLDS);
    expect(await ask(nobody, "/billing/vouchers/list")).toEqual([403, "role_missing"]);
  });

  it("accepts a token with keys from OIDC_JWKS_URL, and requests nothing else from the issuer", async () => {
    await billing.close();
    billing = await start({ OIDC_JWKS_URL: issuer.jwksUrl });
    expect(await ask(await issuer.clientToken())).toEqual(HOLDS);
    expect(issuer.asked).toEqual({ discovery: 0, keys: 1 });
  });

  it("refuses ID tokens, also when the client is the audience", async () => {
    const { idToken } = await issuer.signIn("sara");
    expect(await ask(idToken)).toEqual(INVALID);
    await billing.close();
    billing = await start({ OIDC_AUDIENCE: issuer.clientId });
    expect(await ask(idToken)).toEqual(INVALID);
    expect(await ask(await issuer.forge({ aud: issuer.clientId }))).toEqual(HOLDS);
    for (const [claims, header] of [
      [{ at_hash: "x" }, {}],
      [{ typ: "Refresh" }, {}],
      [{ events: {} }, {}],
      [{ cnf: { jkt: "x" } }, {}],
      [{}, { typ: "logout+jwt" }],
    ] as const) {
      expect(await ask(await issuer.forge({ aud: issuer.clientId, ...claims }, header))).toEqual(INVALID);
    }
    expect(await ask(await issuer.forge({ aud: issuer.clientId }, { typ: "at+jwt" }))).toEqual(HOLDS);
  });

  it("refuses a token on a Sovereign with another issuer, audience, name or secret", async () => {
    const other = await startIssuer({ roles: ROLES });
    const foreignKey = await createOperatorKey();
    try {
      const nowS = Math.floor(Date.now() / 1000);
      const operated = new SignJWT({
        iss: "catalyst-operator",
        aud: FQDN,
        sub: "operator",
        iat: nowS,
        exp: nowS + 60,
      })
        .setProtectedHeader({ alg: "ES256", kid: "operator" })
        .sign(foreignKey.privateKey);
      for (const token of [
        await other.clientToken(),
        await other.forge({ iss: issuer.issuer }, { kid: issuer.key.kid }),
        await issuer.forge({ aud: "billing-of-another" }),
        await issuer.forge({ aud: [] }),
        await issuer.forge({ aud: [`${issuer.audience} `, issuer.audience.toUpperCase()] }),
        await issuer.forge({ iss: `${issuer.issuer}/` }),
        await signToken("a", "superadmin", {}, "the-secret-of-another-sovereign-0000"),
        await operated,
      ]) {
        expect(await ask(token)).toEqual(INVALID);
      }
    } finally {
      await other.close();
    }
  });
});

describe("forged tokens of the issuer", () => {
  it.each<[string, JWTPayload]>([
    ["without exp", { exp: undefined } as unknown as JWTPayload],
    ["with exp as a text", { exp: "9999999999" } as unknown as JWTPayload],
    ["expired", { exp: Math.floor(Date.now() / 1000) - 10 }],
    ["not valid yet", { nbf: Math.floor(Date.now() / 1000) + 60 }],
    ["issued in the future", { iat: Math.floor(Date.now() / 1000) + 60 }],
    ["without sub", { sub: undefined } as unknown as JWTPayload],
    ["with sub as a number", { sub: 5 } as unknown as JWTPayload],
  ])("refuses a forged token %s", async (_what, claims) => {
    expect(await ask(await issuer.forge(claims))).toEqual(INVALID);
  });

  it("refuses a token signed with the issuer's public key as an HMAC secret, in any encoding", async () => {
    await issuer.rotate({ alg: "RS256" });
    const { d, p, q, dp, dq, qi, ...published } = issuer.key.jwk;
    const publicKey = (await importJWK(published, "RS256")) as CryptoKey;
    const pem = await exportSPKI(publicKey);
    for (const secret of [pem, pem.trim(), JSON.stringify(published), published.n ?? ""]) {
      for (const alg of ["HS256", "HS384", "HS512"]) {
        const token = new SignJWT({ iss: issuer.issuer, aud: issuer.audience, sub: "a", role: "superadmin" })
          .setExpirationTime("5m")
          .setProtectedHeader({ alg, kid: issuer.key.kid })
          .sign(new TextEncoder().encode(secret));
        expect(await ask(await token)).toEqual(INVALID);
      }
    }
  });

  it("refuses a token that brings its own key, and fetches no URL of its header", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    let fetched = 0;
    const trap = createServer((_request, response) => {
      fetched += 1;
      response.end(JSON.stringify({ keys: [{ ...jwk, kid: "trap", alg: "ES256", use: "sig" }] }));
    });
    await new Promise<void>((done) => trap.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(trap.address() as { port: number }).port}/keys`;
    try {
      for (const header of [
        { jwk, kid: undefined },
        { jwk, kid: issuer.key.kid },
        { jku: url, kid: "trap" },
        { x5u: url, kid: "trap" },
        { x5c: ["MIIB"], kid: "trap" },
        { kid: "../../dev/null" },
        { kid: "" },
      ]) {
        expect(await ask(await issuer.forge({ role: "superadmin" }, header, privateKey))).toEqual(INVALID);
      }
      expect(fetched).toBe(0);
      // With the right key they are merely ignored.
      expect(await ask(await issuer.forge({}, { jwk, jku: url }))).toEqual(HOLDS);
    } finally {
      trap.close();
    }
  });

  it("refuses a token with critical header members, or with an algorithm that does not match the key", async () => {
    await issuer.rotate({ alg: "RS256" });
    const [header = "", payload = "", signature = ""] = (await issuer.forge()).split(".");
    const withHeader = (changed: object) => {
      const members = { ...JSON.parse(Buffer.from(header, "base64url").toString()), ...changed };
      return `${Buffer.from(JSON.stringify(members)).toString("base64url")}.${payload}.${signature}`;
    };
    for (const changed of [
      { alg: "none" },
      { alg: "None" },
      { alg: "PS256" },
      { alg: "ES256" },
      { alg: ["RS256"] },
      { crit: ["exp"], exp: 1 },
      { crit: [] },
      { b64: false, crit: ["b64"] },
    ]) {
      expect(await ask(withHeader(changed))).toEqual(INVALID);
    }
    expect(await ask(`${header}.${payload}.`)).toEqual(INVALID);
    expect(await ask(`${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`)).toEqual(INVALID);
    const signed = await issuer.forge({}, { crit: ["x-must-know"], "x-must-know": 1 }).catch(() => "refused");
    expect(signed).toBe("refused");
  });

  it("refuses a token above the size limit, also when its signature is valid", async () => {
    expect(await ask(await issuer.forge({ padding: "x".repeat(8_000) }))).toEqual(HOLDS);
    const answer = await fetch(`${billing.origin}/billing/balance`, {
      headers: { authorization: `Bearer ${await issuer.forge({ padding: "x".repeat(12_300) })}` },
    });
    // Node's own bound on headers stands before ours.
    expect([401, 431]).toContain(answer.status);
  });
});

describe("the issuer's keys", () => {
  it("fetches the issuer's keys once for many first requests, and caches them", async () => {
    const token = await issuer.clientToken();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(token)));
    expect(answers).toEqual(Array(20).fill(HOLDS));
    offsetMs += 200_000;
    expect(await ask(await issuer.forge({ iat: undefined } as unknown as JWTPayload))).toEqual(HOLDS);
    expect(issuer.asked).toEqual({ discovery: 1, keys: 1 });
  });

  it("accepts rotated keys without a restart, and old keys while the issuer publishes them", async () => {
    const before = await issuer.clientToken();
    expect(await ask(before)).toEqual(HOLDS);
    offsetMs += COOLDOWN_MS;
    await issuer.rotate({ alg: "ES256" });
    expect(await ask(await issuer.forge())).toEqual(HOLDS);
    expect(await ask(before)).toEqual(HOLDS);
    expect(issuer.asked.keys).toBe(2);
  });

  it("refuses a withdrawn key after five minutes", async () => {
    const inTime = { exp: Math.floor(Date.now() / 1000) + 3_600 };
    const withdrawn = await issuer.forge(inTime);
    expect(await ask(withdrawn)).toEqual(HOLDS);
    await issuer.rotate({ withdraw: true });
    offsetMs += AGED_MS;
    expect(await ask(withdrawn)).toEqual(INVALID);
    expect(await ask(await issuer.forge(inTime))).toEqual(HOLDS);
  });

  it("fetches the keys once per cooldown when many unknown key ids arrive", async () => {
    expect(await ask(await issuer.clientToken())).toEqual(HOLDS);
    const unknown = await Promise.all(
      Array.from({ length: 40 }, (_, index) => issuer.forge({}, { kid: `flood-${index}` })),
    );
    stopClock();
    for (let wave = 1; wave <= 3; wave += 1) {
      offsetMs += COOLDOWN_MS;
      const flood = await Promise.all(unknown.map((token) => ask(token)));
      expect(flood).toEqual(Array(40).fill(INVALID));
      expect(issuer.asked).toEqual({ discovery: 1, keys: 1 + wave });
    }
  });

  it("finds a key in a large key set", async () => {
    await issuer.crowd(900);
    expect(await ask(await issuer.forge())).toEqual(HOLDS);
    // Which of 901 would it be?
    expect(await ask(await issuer.forge({}, { kid: undefined }))).toEqual(INVALID);
  });

  it("refuses a key set above the size limit", async () => {
    await issuer.crowd(1_001);
    expect(await ask(await issuer.forge())).toEqual(UNAVAILABLE);
  });
});

const MOODS: [what: string, mood: Mood | "gone"][] = [
  ["is away", "gone"],
  ["answers 500", "broken"],
  ["answers with a page", "html"],
  ["sends elsewhere", "redirecting"],
  ["never answers", "hanging"],
  ["answers without an end", "endless"],
];

async function turn(mood: Mood | "gone"): Promise<void> {
  if (mood === "gone") await issuer.leave();
  else issuer.mood = mood;
}

async function recover(mood: Mood | "gone"): Promise<void> {
  issuer.mood = "well";
  if (mood === "gone") await issuer.back();
}

describe.each(MOODS)("when the issuer %s", (_what, mood) => {
  it("accepts known keys, returns 503 for unknown ones, and recovers when the issuer does", async () => {
    const inTime = { exp: Math.floor(Date.now() / 1000) + 3_600 };
    const known = await issuer.forge(inTime);
    expect(await ask(known)).toEqual(HOLDS);
    await turn(mood);
    offsetMs += AGED_MS;
    expect(await ask(known)).toEqual(HOLDS);
    offsetMs += COOLDOWN_MS;
    const startedMs = performance.now();
    expect(await ask(known)).toEqual(HOLDS);
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(await ask(await issuer.forge(inTime, { kid: "new" }))).toEqual(UNAVAILABLE);
    expect(await ask(await issuer.forge({ ...inTime, aud: "other" }))).toEqual(INVALID);
    await recover(mood);
    offsetMs += COOLDOWN_MS;
    await issuer.rotate();
    expect(await ask(await issuer.forge(inTime))).toEqual(HOLDS);
    expect(await ask(known)).toEqual(HOLDS);
  });

  it("starts, returns 503 with Retry-After for the issuer's tokens, and accepts other tokens", async () => {
    const token = await issuer.clientToken();
    const other = await signToken("another");
    await turn(mood);
    stopClock();
    const answer = await billing.ask("/billing/balance", { token });
    expect([answer.status, answer.json.code, answer.headers.get("retry-after")]).toEqual([
      ...UNAVAILABLE,
      "2",
    ]);
    expect(await ask(other)).toEqual(HOLDS);
    const asked = { ...issuer.asked };
    expect(await Promise.all(Array.from({ length: 20 }, () => ask(token)))).toEqual(
      Array(20).fill(UNAVAILABLE),
    );
    expect(issuer.asked).toEqual(asked);
    await recover(mood);
    offsetMs += COOLDOWN_MS;
    expect(await ask(token)).toEqual(HOLDS);
  });
});

describe("an issuer that changes", () => {
  it("refuses all tokens of an issuer that publishes no keys", async () => {
    const token = await issuer.clientToken();
    issuer.mood = "empty";
    expect(await ask(token)).toEqual(INVALID);
  });

  it("ignores the keys of an issuer with another name, and accepts old tokens by the known keys", async () => {
    const token = await issuer.clientToken();
    const name = issuer.issuer;
    await issuer.rename("https://elsewhere.example/realms/om");
    expect(await ask(token)).toEqual(UNAVAILABLE);
    await issuer.rename(name);
    offsetMs += COOLDOWN_MS;
    expect(await ask(token)).toEqual(HOLDS);
    await issuer.rename("https://elsewhere.example/realms/om");
    expect(await ask(token)).toEqual(HOLDS);
    expect(await ask(await issuer.forge({ iss: "https://elsewhere.example/realms/om" }))).toEqual(INVALID);
  });

  it("fetches the keys again after the clock was set back", async () => {
    expect(await ask(await issuer.clientToken())).toEqual(HOLDS);
    offsetMs -= 3_600_000;
    await issuer.rotate();
    const nowS = Math.floor((Date.now() + offsetMs) / 1000);
    expect(await ask(await issuer.forge({ iat: nowS, exp: nowS + 60 }))).toEqual(HOLDS);
  });
});
