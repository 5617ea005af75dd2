import { describe, expect, it } from "vitest";
import { runSmokeTest, type SmokeReport } from "../../../src/billing/smoke.ts";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";

interface Voucher {
  code: string;
  [member: string]: unknown;
}

/** A Sovereign in memory, with faults that a test can switch on. */
function createSovereign(faults: {
  preview?: (body: Record<string, unknown>) => unknown;
  list?: unknown;
  /** Answers that it revoked the voucher, and does nothing. */
  revokesNothing?: true;
  statusOf?: (path: string) => number | undefined;
  hangAt?: string;
}) {
  const live = new Map<string, Voucher>();
  const asked: string[] = [];
  const respond = (status: number, body: unknown) =>
    new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  const serve: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const path = url.pathname;
    asked.push(`${init?.method} ${path.replace(/SMOKE-\w+/, "CODE")}`);
    const wrong = faults.statusOf?.(path);
    const body = init?.body === undefined ? {} : JSON.parse(String(init.body));
    if (path.endsWith("/issue")) {
      live.set(body.code, { ...body, times_redeemed: 0, created_at: "2026-01-01T00:00:00Z" });
    }
    if (faults.hangAt !== undefined && path.includes(faults.hangAt)) {
      return new Promise((_done, fail) =>
        init?.signal?.addEventListener("abort", () => fail(new Error("aborted"))),
      );
    }
    if (wrong !== undefined) return respond(wrong, { error: "a fault" });
    if (path.endsWith("/list")) {
      const sought = url.searchParams.get("q") ?? "";
      const found = [...live.values()].reverse().filter(({ code }) => code.includes(sought));
      return respond(200, faults.list ?? found.slice(0, Number(url.searchParams.get("limit"))));
    }
    if (path.endsWith("/issue")) return respond(200, live.get(body.code));
    if (path.endsWith("/redeem-preview")) {
      const voucher = live.get(String(body.code).trim().toUpperCase());
      if (voucher === undefined) return respond(404, {});
      const { code, credit_omr, description, active } = voucher;
      const preview = { code, credit_omr, description, active, accepting_redemptions: true };
      return respond(200, faults.preview?.(preview) ?? preview);
    }
    if (path.includes("/revoke/") && faults.revokesNothing) return respond(200, { ok: true });
    if (path.includes("/revoke/"))
      return live.delete(path.split("/").at(-1) ?? "") ? respond(200, { ok: true }) : respond(404, {});
    if (path === "/readyz")
      return respond(200, { status: "ok", schema: { version: "1", fingerprint: "sha256:a" } });
    return respond(200, { openapi: "3.1.0", b: 1, a: 2 });
  };
  return { live, asked, serve };
}

function run(
  sovereign: ReturnType<typeof createSovereign>,
  signal = new AbortController().signal,
  code?: string,
): Promise<SmokeReport> {
  let nowMs = 0;
  const now = () => {
    nowMs += 5;
    return new Date(nowMs);
  };
  return runSmokeTest({
    baseUrl: "http://sovereign.test/",
    token: "t",
    fetch: sovereign.serve,
    now,
    signal,
    ...(code === undefined ? {} : { code }),
  });
}

describe("runSmokeTest", () => {
  it("runs and times the four steps, and leaves no active voucher", async () => {
    const sovereign = createSovereign({});
    const report = await run(sovereign);
    expect(report).toEqual({
      passed: true,
      steps: ["list", "issue", "preview", "revoke"].map((name) => ({
        name,
        passed: true,
        durationMs: 5,
        message: expect.any(String),
      })),
      apiFingerprint: sha256Digest('{"a":2,"b":1,"openapi":"3.1.0"}'),
      schema: { version: "1", fingerprint: "sha256:a" },
    });
    expect(sovereign.live.size).toBe(0);
  });

  it.each<[string, string, string]>([
    ["nothing", "", ""],
    ["null", "null", ""],
    ["a page", "<html>", ""],
    ["a reason", '{"error":"try later"}', ": try later"],
  ])("fails with the reason when a proxy answers: %s", async (_what, text, reason) => {
    const sovereign = createSovereign({});
    const serve: typeof fetch = async (input, init) =>
      String(input).endsWith("/issue")
        ? new Response(new TextEncoder().encode(text), { status: 502 })
        : sovereign.serve(input, init);
    const { passed, steps } = await run({ ...sovereign, serve });
    expect([passed, steps[1]?.message]).toEqual([
      false,
      `POST /billing/vouchers/issue answered 502${reason}`,
    ]);
  });

  it.each<[string, Parameters<typeof createSovereign>[0], string, RegExp]>([
    [
      "a leaked counter",
      { preview: (body) => ({ ...body, times_redeemed: 0 }) },
      "preview",
      /members.*times_redeemed/,
    ],
    ["a leaked cap", { preview: (body) => ({ ...body, max_redemptions: 1 }) }, "preview", /max_redemptions/],
    [
      "a missing member",
      { preview: ({ active, ...body }) => body },
      "preview",
      /not accepting_redemptions, active/,
    ],
    ["another credit", { preview: (body) => ({ ...body, credit_omr: 2 }) }, "preview", /differs/],
    ["a list in an envelope", { list: { items: [] } }, "list", /not a JSON array/],
    ["a list of other vouchers", { list: [{ code: "A", credit: 5 }] }, "list", /members/],
    [
      "an issue that is refused",
      { statusOf: (path) => (path.endsWith("/issue") ? 403 : undefined) },
      "issue",
      /answered 403: a fault/,
    ],
  ])("fails on %s with the reason, and leaves no active voucher", async (_what, faults, failing, message) => {
    const sovereign = createSovereign(faults);
    const report = await run(sovereign);
    expect(report.passed).toBe(false);
    const index = report.steps.findIndex(({ passed }) => !passed);
    expect(report.steps[index]).toMatchObject({ name: failing, message: expect.stringMatching(message) });
    expect(report.steps.slice(index + 1).map((step) => step.message)).toEqual(
      report.steps.slice(index + 1).map(() => `not run: ${failing} failed`),
    );
    expect(sovereign.live.size).toBe(0);
  });

  it("cleans up after an interrupted run with the same code", async () => {
    const sovereign = createSovereign({});
    sovereign.live.set("SMOKE-OWN", {
      ...{ code: "SMOKE-OWN", credit_omr: 1, description: "smoke test", active: true },
      ...{ max_redemptions: 1, times_redeemed: 0, created_at: "2026-01-01T00:00:00Z" },
    });
    expect((await run(sovereign, undefined, "SMOKE-OWN")).passed).toBe(true);
    expect(sovereign.live.size).toBe(0);
  });

  it("detects a voucher that is still active among many newer ones", async () => {
    const sovereign = createSovereign({ revokesNothing: true });
    const terms = { credit_omr: 1, description: "", active: true, max_redemptions: 1, times_redeemed: 0 };
    const add = (code: string) =>
      sovereign.live.set(code, { code, ...terms, created_at: "2026-01-01T00:00:00Z" });
    add("SMOKE-OWN");
    for (let index = 0; index < 60; index += 1) add(`NEWER-${index}`);
    add("SMOKE-OWN-2");
    const report = await run(sovereign, undefined, "SMOKE-OWN");
    expect(report.steps.at(-1)).toMatchObject({
      passed: false,
      message: expect.stringMatching(/still listed/),
    });
  });

  it("does not confuse the voucher with one of a longer code", async () => {
    const sovereign = createSovereign({});
    sovereign.live.set("SMOKE-OWN-2", {
      ...{ code: "SMOKE-OWN-2", credit_omr: 1, description: "", active: true },
      ...{ max_redemptions: 1, times_redeemed: 0, created_at: "2026-01-01T00:00:00Z" },
    });
    expect((await run(sovereign, undefined, "SMOKE-OWN")).passed).toBe(true);
  });

  it("fails without an answer, and revokes the voucher", async () => {
    const sovereign = createSovereign({ hangAt: "redeem-preview" });
    const startedMs = performance.now();
    const report = await runSmokeTest({
      baseUrl: "http://sovereign.test",
      token: "t",
      fetch: sovereign.serve,
      now: () => new Date(),
      signal: new AbortController().signal,
      deadlineMs: 50,
    });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(report.steps.find(({ passed }) => !passed)?.name).toBe("preview");
    expect(sovereign.live.size).toBe(0);
  });

  it("revokes the voucher when it is stopped", async () => {
    const sovereign = createSovereign({ hangAt: "redeem-preview" });
    const stop = new AbortController();
    const running = run(sovereign, stop.signal);
    await new Promise((done) => setTimeout(done, 20));
    expect(sovereign.live.size).toBe(1);
    stop.abort();
    expect((await running).passed).toBe(false);
    expect(sovereign.live.size).toBe(0);
    expect(sovereign.asked).toContain("DELETE /billing/vouchers/revoke/CODE");
  });
});
