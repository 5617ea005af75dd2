import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { readKubeConfig } from "../../../src/cli/kubeconfig.ts";
import { UsageError } from "../../../src/platform/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file with one cluster, one user and one context for each name. The file's name is part of each server's URL. */
function write(file: string, names: readonly string[], current?: string): string {
  const path = join(folder, file);
  writeFileSync(
    path,
    stringify({
      ...{ apiVersion: "v1", kind: "Config", "current-context": current },
      clusters: names.map((name) => ({ name, cluster: { server: `https://${name}.${file}.example` } })),
      users: names.map((name) => ({ name, user: { token: name } })),
      contexts: names.map((name) => ({ name, context: { cluster: name, user: name } })),
    }),
  );
  return path;
}

const first = write("first", ["a", "b"], "a");
const second = write("second", ["b", "c"], "c");
const undecided = write("undecided", ["a"]);
const absent = join(folder, "absent");
const home = join(folder, "home");
mkdirSync(join(home, ".kube"), { recursive: true });
write("home/.kube/config", ["a"], "a");

const serverOf = (env: Record<string, string>, choice: object = {}) =>
  readKubeConfig(env, choice).getCurrentCluster()?.server;

describe("a kubeconfig", () => {
  it.each([
    ["of KUBECONFIG", { KUBECONFIG: first, HOME: home }, {}, "https://a.first.example"],
    [
      "of the flag, before KUBECONFIG",
      { KUBECONFIG: first },
      { kubeconfig: second },
      "https://c.second.example",
    ],
    ["of the person's folder", { HOME: home }, {}, "https://a.home/.kube/config.example"],
    ["with the context of the flag", { KUBECONFIG: first }, { context: "b" }, "https://b.first.example"],
  ])("is that %s", (_, env, choice, server) => {
    expect(serverOf(env, choice)).toBe(server);
  });

  it("of several files is merged: the first file that defines a name wins, and files may be missing", () => {
    const KUBECONFIG = [absent, first, second].join(delimiter);
    expect(serverOf({ KUBECONFIG })).toBe("https://a.first.example");
    expect(serverOf({ KUBECONFIG }, { context: "b" })).toBe("https://b.first.example");
    expect(serverOf({ KUBECONFIG }, { context: "c" })).toBe("https://c.second.example");
    expect(serverOf({ KUBECONFIG: [undecided, second].join(delimiter) })).toBe("https://c.second.example");
  });

  it.each([
    [{ KUBECONFIG: absent }, {}, "KUBECONFIG cannot be used: ENOENT"],
    [{}, { kubeconfig: absent }, "--kubeconfig cannot be used: ENOENT"],
    [{ KUBECONFIG: undecided }, {}, "KUBECONFIG names no current cluster: set its current-context, or name"],
    [
      { KUBECONFIG: first },
      { context: "c" },
      "--context names no context of the kubeconfig: use one of a, b",
    ],
    [{ HOME: folder }, {}, "KUBECONFIG is not set, and this process does not run in a Pod"],
  ])("is refused with %j and %j", (env, choice, message) => {
    const read = () => readKubeConfig(env, choice);
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
  });
});
