import { randomBytes } from "node:crypto";
import { boundedFetch } from "../platform/bounded-fetch.ts";
import { canonicalJson } from "../platform/canonical-json.ts";
import { errorMessage } from "../platform/errors.ts";
import { readApiFingerprint, readServedSchema } from "./shape.ts";
import { SMOKE_TEST } from "./voucher/voucher.ts";

type SmokeStepName = "list" | "issue" | "preview" | "revoke";

interface SmokeStep {
  name: SmokeStepName;
  passed: boolean;
  durationMs: number;
  /** The observation, or the failure. */
  message: string;
}

export interface SmokeReport {
  passed: boolean;
  /** Always all four steps, in order. A step that was not run has the reason. */
  steps: SmokeStep[];
  /** `sha256:…` of the canonical /openapi.json. Undefined when it could not be read. */
  apiFingerprint: string | undefined;
  /** As /readyz reports it. Undefined when the service is not ready. */
  schema: { version: string; fingerprint: string } | undefined;
}

export interface SmokeDeps {
  /** `http://10.0.0.7:8085`, with a path prefix where there is one. */
  baseUrl: string;
  /** A token with the role sovereign-admin. */
  token: string;
  /** The code of the voucher to issue, for a caller that repeats the test. Absent: a random code. */
  code?: string;
  fetch: typeof fetch;
  now: () => Date;
  signal: AbortSignal;
  /** The deadline for all steps together; default 15 s. */
  deadlineMs?: number;
}

const { codePrefix: CODE_PREFIX, ...TERMS } = SMOKE_TEST;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const DEADLINE_MS = 15_000;
/** The time from a test's issue to the end of its last attempt to revoke, with a margin. */
export const SMOKE_TEST_MAX_MS = DEADLINE_MS + REQUEST_TIMEOUT_MS + 5_000;
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
 * Runs four steps against a Sovereign: list, issue, public preview, revoke. Each checks that the answer has exactly the shape in
 * docs/FRANCHISE-MODEL.md. A random code does not collide with another run. The voucher is revoked in every case, also
 * when a step fails or the signal fires in between. A connection error is a failed step and is not thrown.
 */
export async function runSmokeTest(deps: SmokeDeps): Promise<SmokeReport> {
  const { token, now, code = `${CODE_PREFIX}${randomBytes(8).toString("hex").toUpperCase()}` } = deps;
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(deps.deadlineMs ?? DEADLINE_MS)]);
  const ask = createAsker(deps);
  const steps: SmokeStep[] = [];
  let mayBeLive = false;

  async function step(name: SmokeStepName, check: () => Promise<string>): Promise<void> {
    const failed = steps.find((earlier) => !earlier.passed);
    const startedMs = now().getTime();
    let passed = false;
    let message = `not run: ${failed?.name} failed`;
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
    expect(Array.isArray(json), "the list is not a JSON array");
    for (const voucher of json as unknown[]) expectVoucher(voucher);
    return "a JSON array of live vouchers";
  });
  await step("issue", async () => {
    mayBeLive = true;
    const body = { code, ...TERMS, active: true };
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
    return "issued with the requested terms";
  });
  await step("preview", async () => {
    // In lower case, with blanks and without a token, as a visitor may send it.
    const { status, contentType, json } = await ask("POST", "/billing/vouchers/redeem-preview", {
      body: { code: ` ${code.toLowerCase()} ` },
      signal,
    });
    expect(status === 200, `POST /billing/vouchers/redeem-preview answered ${status}${errorOf(json)}`);
    expect(contentType.startsWith("application/json"), `the preview is ${contentType}, not application/json`);
    expectMembers("the preview", json, PREVIEW_MEMBERS);
    const wanted = {
      code,
      credit_omr: TERMS.credit_omr,
      description: TERMS.description,
      active: true,
      accepting_redemptions: true,
    };
    expect(canonicalJson(json) === canonicalJson(wanted), "the preview differs from the issued voucher");
    return "exactly five members: no counter and no cap";
  });
  await step("revoke", async () => {
    const { status, json } = await ask("DELETE", `/billing/vouchers/revoke/${code}`, { token, signal });
    expect(
      status === 200 && canonicalJson(json) === '{"ok":true}',
      `DELETE /billing/vouchers/revoke answered ${status}${errorOf(json)}`,
    );
    mayBeLive = false;
    // Checks the list, because a preview would count as a miss, and frequent tests would reach the limit. The list is
    // searched by code, because a voucher that is issued again keeps its old position, far behind new ones.
    const sought = new URLSearchParams({ q: code, limit: "50" });
    const { json: live } = await ask("GET", `/billing/vouchers/list?${sought}`, { token, signal });
    const isListed = !Array.isArray(live) || live.some((voucher) => voucher?.code === code);
    expect(!isListed, "the revoked voucher is still listed as live");
    return "revoked, and no longer live";
  });
  if (mayBeLive) await revokeInAnyCase(ask, token, code);

  const source = { ...deps, signal };
  return {
    passed: steps.every((done) => done.passed),
    steps,
    apiFingerprint: await readApiFingerprint(source).catch(() => undefined),
    schema: await readServedSchema(source).catch(() => undefined),
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

/** Runs without the caller's signal, so that the voucher is revoked even after the caller aborted. */
async function revokeInAnyCase(ask: Asker, token: string, code: string): Promise<void> {
  await ask("DELETE", `/billing/vouchers/revoke/${code}`, { token }).catch(() => undefined);
}

function expect(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}

function expectMembers(what: string, value: unknown, members: string[]): void {
  expect(
    value !== null && typeof value === "object" && !Array.isArray(value),
    `${what} is not a JSON object`,
  );
  const found = Object.keys(value).sort();
  expect(
    canonicalJson(found) === canonicalJson(members),
    `${what} has the members ${found.join(", ")}, not ${members.join(", ")}`,
  );
}

const OPTIONAL_VOUCHER_MEMBERS = ["expires_at", "standing", "starts_at"];

function expectVoucher(value: unknown): void {
  expect(
    value !== null && typeof value === "object" && !Array.isArray(value),
    "a voucher is not a JSON object",
  );
  const kept = Object.fromEntries(
    Object.entries(value).filter(([name]) => !OPTIONAL_VOUCHER_MEMBERS.includes(name)),
  );
  // Adopted vouchers may have no creation date.
  expectMembers("a voucher", { created_at: "", ...kept }, VOUCHER_MEMBERS);
}

function errorOf(json: unknown): string {
  const { error } = (json ?? {}) as { error?: unknown };
  return typeof error === "string" ? `: ${error}` : "";
}
