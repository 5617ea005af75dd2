import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../src/cli/command.ts";
import { loadCommands } from "../../../src/cli/command-list.ts";
import { ShutdownError } from "../../../src/platform/shutdown.ts";

const MAIN = join(import.meta.dirname, "../../../src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "signal-"));
const kubeconfig = join(folder, "kubeconfig");
const token = join(folder, "token");

/** A server that accepts connections and never answers. It stands in for a cluster, a voucher API and a database. */
const silent = createServer();
const sockets = new Set<Socket>();
silent.on("connection", (socket) => {
  sockets.add(socket);
  socket.on("error", () => {});
  // A socket reports its end only if it is read.
  socket.resume();
});
let address: string;

beforeAll(async () => {
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const named = (kind: string, value: object) => [{ name: "silent", [kind]: value }];
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: named("cluster", { server: `https://${address}` }),
      users: named("user", { token: "t" }),
      contexts: named("context", { cluster: "silent", user: "silent" }),
      "current-context": "silent",
    }),
  );
  writeFileSync(token, "t");
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  rmSync(folder, { recursive: true });
});

const environment = () => ({ KUBECONFIG: kubeconfig, DATABASE_URL: `postgres://u:p@${address}/d` });
const commands = await loadCommands();

/** The first five end by themselves after a signal. The last one waits for nothing. */
const OTHERS = ["operator", "billing", "migrate", "playground", "generate", "completion"];
const CASES: [name: string, args: () => string[]][] = [
  ["preflight", () => []],
  ["status", () => []],
  ["rollout", () => ["status", "stable"]],
  ["vouchers", () => ["list", "--sovereign", "omantel"]],
  ["token", () => ["--sovereign", "omantel"]],
  ["smoke", () => ["--sovereign", "omantel"]],
  ["smoke", () => ["--url", `http://${address}`, "--token-file", token]],
  ["support-bundle", () => ["--file", join(folder, "bundle.tar.gz")]],
  ["verify", () => ["--url", `http://${address}`]],
  ["uninstall", () => []],
  ["reconcile-ledger", () => []],
];

describe("a signal", () => {
  it.each([
    ["SIGINT" as const, 130],
    ["SIGTERM" as const, 143],
  ])("%s ends the process with exit code %i, and closes its requests", async (signal, exitCode) => {
    const connected = once(silent, "connection") as Promise<[Socket]>;
    const child = spawn(process.execPath, [MAIN, "status", "sovereign", "zero"], {
      env: { PATH: process.env.PATH ?? "", ...environment() },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const [socket] = await connected;
    const closed = once(socket, "close");
    child.kill(signal);
    expect((await once(child, "close"))[0]).toBe(exitCode);
    await closed;
    expect(await output).toEqual(["", `catalyst status: received ${signal}\n`]);
  });

  it("is tested on each command", () => {
    const tried = [...new Set(CASES.map(([name]) => name)), ...OTHERS];
    expect(tried.sort()).toEqual(commands.map(({ name }) => name).sort());
  });

  it.each(CASES)("stops %s while it waits for an answer", async (name, args) => {
    const { command } = commands.find((known) => known.name === name) ?? expect.unreachable();
    const stop = new AbortController();
    const connected = once(silent, "connection");
    const context = { args: args(), stdout: new PassThrough(), stderr: new PassThrough() };
    const ended = runCommand(command, { ...context, env: environment(), signal: stop.signal });
    ended.catch(() => undefined);
    await Promise.race([connected, ended]);
    const reason = new ShutdownError("SIGINT");
    stop.abort(reason);
    await expect(ended).rejects.toBe(reason);
  });
});
