import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { startBilling, type TestBilling } from "../builder/billing.ts";
import { type Issuer, startIssuer } from "../server/issuer.ts";
import { createTestDatabase, type TestDatabase } from "../server/postgres.ts";

export const ROLES = { sara: ["sovereign-admin"], marketplace: ["superadmin"] };
/** The result of `askWith`. */
export const HOLDS = [200, undefined];
export const INVALID = [401, "token_invalid"];
export const UNAVAILABLE = [503, "issuer_unavailable"];
/** Longer than the pause between two fetches of the keys. */
export const COOLDOWN_MS = 2_100;
/** Longer than fetched keys are valid. */
export const AGED_MS = 301_000;

let database: TestDatabase;
export let issuer: Issuer;
export let billing: TestBilling;
let offsetMs: number;
/** The fixed time of the service's clock. Undefined: the clock runs. */
let stoppedAtMs: number | undefined;

/** One issuer, and one service that trusts it, for each test. */
export function useTokenIssuer(): void {
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
}

function start(env: Record<string, string> = {}): Promise<TestBilling> {
  return startBilling({
    database,
    now: () => new Date((stoppedAtMs ?? Date.now()) + offsetMs),
    env: { OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: issuer.audience, ...env },
  });
}

/** Replaces the service by one with these variables too. */
export async function restart(env: Record<string, string>): Promise<void> {
  await billing.close();
  billing = await start(env);
}

/** Moves the clock of the service. */
export function advance(byMs: number): void {
  offsetMs += byMs;
}

/** The time in milliseconds by the clock of the service, when it runs. */
export const nowMs = () => Date.now() + offsetMs;

/** Stops the clock of the service, because a slow machine lets a cooldown pass. Make the tokens first. */
export function stopClock(): void {
  stoppedAtMs = Date.now();
}

export async function askWith(
  token: string,
  path = "/billing/balance",
): Promise<[status: number, code: string | undefined]> {
  const { status, json } = await billing.ask(path, { token });
  return [status, json?.code];
}
