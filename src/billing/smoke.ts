import { randomBytes } from "node:crypto";
import { boundedFetch } from "../platform/bounded-fetch.ts";
import { canonicalJson, sha256Digest } from "../platform/canonical-json.ts";
import { errorMessage } from "../platform/errors.ts";

type SmokeStepName = "list" | "issue" | "preview" | "revoke";

interface SmokeStep {
  name: SmokeStepName;
  passed: boolean;
  durationMs: number;
  /** What was seen, or what broke. */
  message: string;
}

export interface SmokeReport {
  passed: boolean;
  /** Always all four, in order; a step that could not be tried says why. */
  steps: SmokeStep[];
  /** `sha256:…` of the canonical /openapi.json; undefined when it could not be read. */
  apiFingerprint: string | undefined;
  /** As /readyz measured it; undefined when the service is not ready. */
  schema: { version: string; fingerprint: string } | undefined;
}

export interface SmokeDeps {
  /** `http://10.0.0.7:8085`, with a path prefix where there is one. */
  baseUrl: string;
  /** A sovereign-admin's. */
  token: string;
  /** The voucher to issue, as one who comes again and again needs it; absent: a random one. */
  code?: string;
  fetch: typeof fetch;
  now: () => Date;
  signal: AbortSignal;
  /** For all steps together; default 15 seconds. Whoever waits for the test learns in time that it fails. */
  deadlineMs?: number;
}

const CREDIT_OMR = 1;
const DESCRIPTION = "smoke test";
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const DEADLINE_MS = 15_000;
const PREVIEW_MEMBERS = ["accepting_redemptions", "active", "code", "credit_omr", "description"];
const VOUCHER_MEMBERS = [
  "active",
  "code",
  "created_at",
  "credit_omr",
  "description",
  "max_redemptions",
  "times_redeemed",
];

interface Answer {
  status: number;
  contentType: string;
  json: unknown;
}

/**
 * The four steps against any Sovereign: list, issue, public preview, revoke, each with the exact shape that docs/FRANCHISE-MODEL.md
 * promises. A random code never meets another run's; whatever the code, it is revoked whatever happens: also when a step
 * fails, or when the signal fires half way. Broken connections are failed steps, never thrown.
 */
export async function runSmokeTest(deps: SmokeDeps): Promise<SmokeReport> {
  const { token, now, code = `SMOKE-${randomBytes(8).toString("hex").toUpperCase()}` } = deps;
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(deps.deadlineMs ?? DEADLINE_MS)]);
  const ask = createAsker(deps);
  const steps: SmokeStep[] = [];
  let mayBeLive = false;

  async function step(name: SmokeStepName, check: () => Promise<string>): Promise<void> {
    const failed = steps.find((earlier) => !earlier.passed);
    const startedMs = now().getTime();
    let passed = false;
    let message = `not tried: ${failed?.name} failed`;
    if (failed === undefined) {
      try {
        message = await check();
        passed = true;
      } catch (error) {
        message = errorMessage(error);
      }
    }
    steps.push({ name, passed, durationMs: now().getTime() - startedMs, message });
  }

  await step("list", async () => {
    const { status, json } = await ask("GET", "/billing/vouchers/list?limit=1", { token, signal });
    expect(status === 200, `GET /billing/vouchers/list answered ${status}, not 200`);
    expect(Array.isArray(json), "the list is no bare array");
    for (const voucher of json as unknown[]) expectVoucher(voucher);
    return "a bare array of live vouchers";
  });
  await step("issue", async () => {
    mayBeLive = true;
    const body = { code, credit_omr: CREDIT_OMR, description: DESCRIPTION, active: true, max_redemptions: 1 };
    const { status, json } = await ask("POST", "/billing/vouchers/issue", { token, body, signal });
    expect(
      status === 200 || status === 201,
      `POST /billing/vouchers/issue answered ${status}${errorOf(json)}`,
    );
    expectVoucher(json);
    const voucher = json as Record<string, unknown>;
    for (const [name, value] of Object.entries({ ...body, times_redeemed: 0 })) {
      expect(
        voucher[name] === value,
        `the issued voucher has ${name} ${JSON.stringify(voucher[name])}, not ${JSON.stringify(value)}`,
      );
    }
    return "issued with the terms that were asked for";
  });
  await step("preview", async () => {
    // In lower case, with blanks, without a token: as a visitor might.
    const { status, contentType, json } = await ask("POST", "/billing/vouchers/redeem-preview", {
      body: { code: ` ${code.toLowerCase()} ` },
      signal,
    });
    expect(status === 200, `POST /billing/vouchers/redeem-preview answered ${status}${errorOf(json)}`);
    expect(contentType.startsWith("application/json"), `the preview is ${contentType}, not application/json`);
    expectMembers("the preview", json, PREVIEW_MEMBERS);
    const wanted = {
      code,
      credit_omr: CREDIT_OMR,
      description: DESCRIPTION,
      active: true,
      accepting_redemptions: true,
    };
    expect(canonicalJson(json) === canonicalJson(wanted), "the preview differs from what was issued");
    return "exactly five members, no counter, no cap";
  });
  await step("revoke", async () => {
    const { status, json } = await ask("DELETE", `/billing/vouchers/revoke/${code}`, { token, signal });
    expect(
      status === 200 && canonicalJson(json) === '{"ok":true}',
      `DELETE /billing/vouchers/revoke answered ${status}${errorOf(json)}`,
    );
    mayBeLive = false;
    // Asked of the list and not of the preview: a miss there counts against whoever probes, and a test that is run often
    // would end up locked out.
    // Sought by its code: one that is issued again and again keeps its old place, far behind newer ones.
    const sought = new URLSearchParams({ q: code, limit: "50" });
    const { json: live } = await ask("GET", `/billing/vouchers/list?${sought}`, { token, signal });
    const isListed = !Array.isArray(live) || live.some((voucher) => voucher?.code === code);
    expect(!isListed, "the revoked voucher is still listed as live");
    return "revoked, and no longer live";
  });
  if (mayBeLive) await revokeInAnyCase(ask, token, code);

  return {
    passed: steps.every((done) => done.passed),
    steps,
    apiFingerprint: await readApiFingerprint(ask, signal),
    schema: await readSchema(ask, signal),
  };
}

type Asker = (
  method: string,
  path: string,
  question: { token?: string; body?: unknown; signal?: AbortSignal },
) => Promise<Answer>;

function createAsker(deps: SmokeDeps): Asker {
  const base = deps.baseUrl.replace(/\/+$/, "");
  return async (method, path, { token, body, signal }) => {
    const answer = await boundedFetch(`${base}${path}`, {
      fetch: deps.fetch,
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      timeoutMs: REQUEST_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
      maxBytes: MAX_ANSWER_BYTES,
      // An error's detail is in its body.
      readsErrorBody: true,
    });
    return {
      status: answer.status,
      contentType: answer.headers.get("content-type") ?? "",
      json: parseJson(answer.body),
    };
  };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Without the caller's signal: what was begun is cleaned up also when the caller has lost interest. */
async function revokeInAnyCase(ask: Asker, token: string, code: string): Promise<void> {
  await ask("DELETE", `/billing/vouchers/revoke/${code}`, { token }).catch(() => undefined);
}

async function readApiFingerprint(ask: Asker, signal: AbortSignal): Promise<string | undefined> {
  const answer = await ask("GET", "/openapi.json", { signal }).catch(() => undefined);
  return answer?.status === 200 && answer.json !== undefined
    ? sha256Digest(canonicalJson(answer.json))
    : undefined;
}

async function readSchema(ask: Asker, signal: AbortSignal): Promise<SmokeReport["schema"]> {
  const answer = await ask("GET", "/readyz", { signal }).catch(() => undefined);
  const schema = (answer?.json as { schema?: { version?: unknown; fingerprint?: unknown } } | undefined)
    ?.schema;
  if (answer?.status !== 200 || typeof schema?.version !== "string" || typeof schema.fingerprint !== "string")
    return undefined;
  return { version: schema.version, fingerprint: schema.fingerprint };
}

function expect(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}

function expectMembers(what: string, value: unknown, members: string[]): void {
  expect(value !== null && typeof value === "object" && !Array.isArray(value), `${what} is no JSON object`);
  const found = Object.keys(value).sort();
  expect(
    canonicalJson(found) === canonicalJson(members),
    `${what} has the members ${found.join(", ")}, not ${members.join(", ")}`,
  );
}

const OPTIONAL_VOUCHER_MEMBERS = ["expires_at", "starts_at"];

function expectVoucher(value: unknown): void {
  expect(value !== null && typeof value === "object" && !Array.isArray(value), "a voucher is no JSON object");
  const kept = Object.fromEntries(
    Object.entries(value).filter(([name]) => !OPTIONAL_VOUCHER_MEMBERS.includes(name)),
  );
  // Adopted vouchers may lack the day of their creation.
  expectMembers("a voucher", { created_at: "", ...kept }, VOUCHER_MEMBERS);
}

function errorOf(json: unknown): string {
  const { error } = (json ?? {}) as { error?: unknown };
  return typeof error === "string" ? `: ${error}` : "";
}
