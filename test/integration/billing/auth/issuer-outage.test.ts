import { describe, expect, it } from "vitest";
import { signToken } from "../../../support/builder/billing.ts";
import type { IssuerState } from "../../../support/server/issuer.ts";
import {
  AGED_MS,
  advance,
  askWith,
  billing,
  COOLDOWN_MS,
  HOLDS,
  INVALID,
  issuer,
  stopClock,
  UNAVAILABLE,
  useTokenIssuer,
} from "../../../support/suite/token-issuer.ts";

useTokenIssuer();

const STATES: [what: string, state: IssuerState | "gone"][] = [
  ["is unreachable", "gone"],
  ["answers 500", "broken"],
  ["answers with a page", "html"],
  ["redirects", "redirecting"],
  ["never answers", "hanging"],
  ["answers without end", "endless"],
];

/** Starts a fault of the issuer. */
async function enter(state: IssuerState | "gone"): Promise<void> {
  if (state === "gone") await issuer.leave();
  else issuer.state = state;
}

async function recover(state: IssuerState | "gone"): Promise<void> {
  issuer.state = "healthy";
  if (state === "gone") await issuer.back();
}

describe.each(STATES)("when the issuer %s", (_what, state) => {
  it("accepts known keys, returns 503 for unknown ones, and recovers when the issuer does", async () => {
    const inTime = { exp: Math.floor(Date.now() / 1000) + 3_600 };
    const known = await issuer.forge(inTime);
    expect(await askWith(known)).toEqual(HOLDS);
    await enter(state);
    advance(AGED_MS);
    expect(await askWith(known)).toEqual(HOLDS);
    advance(COOLDOWN_MS);
    const startedMs = performance.now();
    expect(await askWith(known)).toEqual(HOLDS);
    // A request to the issuer is given up after 3 seconds.
    expect(performance.now() - startedMs).toBeLessThan(2_900);
    expect(await askWith(await issuer.forge(inTime, { kid: "new" }))).toEqual(UNAVAILABLE);
    expect(await askWith(await issuer.forge({ ...inTime, aud: "other" }))).toEqual(INVALID);
    await recover(state);
    advance(COOLDOWN_MS);
    await issuer.rotate();
    expect(await askWith(await issuer.forge(inTime))).toEqual(HOLDS);
    expect(await askWith(known)).toEqual(HOLDS);
  });

  it("starts, returns 503 with Retry-After for the issuer's tokens, and accepts other tokens", async () => {
    const token = await issuer.clientToken();
    const other = await signToken("another");
    await enter(state);
    stopClock();
    const answer = await billing.ask("/billing/balance", { token });
    expect([answer.status, answer.json.code, answer.headers.get("retry-after")]).toEqual([
      ...UNAVAILABLE,
      "2",
    ]);
    expect(await askWith(other)).toEqual(HOLDS);
    const asked = { ...issuer.asked };
    expect(await Promise.all(Array.from({ length: 20 }, () => askWith(token)))).toEqual(
      Array(20).fill(UNAVAILABLE),
    );
    expect(issuer.asked).toEqual(asked);
    await recover(state);
    advance(COOLDOWN_MS);
    expect(await askWith(token)).toEqual(HOLDS);
  });
});
