import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningHttpServer, startHttpServer } from "../../../src/platform/http-server.ts";
import { JWT_SECRET, signToken } from "../../support/builder/billing.ts";
import { createBillingProcesses } from "../../support/process/billing-process.ts";
import { startOperatorCluster } from "../../support/server/operator-cluster.ts";
import { createTestDatabase, type TestDatabase } from "../../support/server/postgres.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PROGRAM = join(ROOT, "src/cli/main.ts");
const SCRIPT = readFileSync(join(ROOT, "charts/catalyst-operator/test/installation.mjs"), "utf8");

let operator: RunningHttpServer;
let isReady: boolean;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "catalyst-helm-test-"));
  operator = await startHttpServer({
    host: "127.0.0.1",
    port: 0,
    handler: (_request, response) => {
      response.writeHead(isReady ? 200 : 503);
      response.end(isReady ? "ok\n" : "not ready: it is starting\n");
    },
  });
});
beforeEach(() => {
  isReady = true;
});
afterAll(async () => {
  await operator.close(0);
  rmSync(folder, { recursive: true });
});

/** Runs the script of `helm test` as its Pod does. */
async function helmTest(env: Record<string, string> = {}): Promise<[code: number | null, stdout: string]> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", SCRIPT], {
    env: {
      PATH: process.env.PATH ?? "",
      READY_URL: `${operator.origin}/readyz`,
      TRIES: "1",
      PROGRAM,
      ...env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const output = await text(child.stdout);
  return [await code, output];
}

describe("helm test", () => {
  it("passes when the operator is ready and no Sovereign is named", async () => {
    expect(await helmTest()).toEqual([0, "operator: ok\n"]);
  });

  it("fails with the operator's own reason when it is not ready", async () => {
    isReady = false;
    expect(await helmTest()).toEqual([1, "operator: not ready: it is starting\n"]);
  });

  it("fails when no operator answers", async () => {
    const [code, output] = await helmTest({ READY_URL: "http://127.0.0.1:1/readyz" });
    expect(code).toBe(1);
    expect(output).toMatch(/^operator: fetch failed/);
  });
});

describe("helm test of a Sovereign", () => {
  let database: TestDatabase;
  let billings: ReturnType<typeof createBillingProcesses>;
  let origin: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    billings = createBillingProcesses(database.url);
    ({ origin } = await billings.start());
  });
  afterAll(async () => {
    await billings.close();
    await database.drop();
  });

  async function run(role: string): Promise<[number | null, string]> {
    const token = join(folder, "token");
    writeFileSync(token, await signToken("tester", role));
    return helmTest({ SOVEREIGN: "omantel", SOVEREIGN_URL: origin, TOKEN_FILE: token });
  }

  it("runs the four steps against the voucher API", async () => {
    const [code, output] = await run("sovereign-admin");
    expect(output).toMatch(/ok +list[\s\S]*ok +issue[\s\S]*ok +preview[\s\S]*ok +revoke/);
    expect(code).toBe(0);
  });

  it("signs a token with the Sovereign's key when it gets none, although the process's user has no name", async () => {
    const cluster = await startOperatorCluster("helm-test");
    try {
      await cluster.createNamespace("sovereign-omantel");
      await cluster.writeSecret("sovereign-omantel", "billing-jwt", "secret", JWT_SECRET);
      await cluster.createSovereign("omantel", {}, true);
      const [code, output] = await helmTest({
        ...{ SOVEREIGN: "omantel", SOVEREIGN_URL: origin },
        ...{ KUBECONFIG: cluster.plane.kubeconfigPath, TMPDIR: folder },
      });
      expect([code, output]).toEqual([0, expect.stringMatching(/ok +revoke/)]);
    } finally {
      await cluster.close();
    }
    const [, claims = ""] = readFileSync(join(folder, "token"), "utf8").split(".");
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({ sub: "helm-test" });
  });

  it("fails, and shows the step, when a step is refused", async () => {
    const [code, output] = await run("customer");
    expect(output).toContain("FAILED");
    expect(code).toBe(1);
  });
});
