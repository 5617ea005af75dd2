import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  newStateDir,
  type PlaygroundProcess,
  processesWith,
  usePlaygrounds,
} from "../../../support/process/playground.ts";
import { until } from "../../../support/wait.ts";

const start = usePlaygrounds();

const nothingIsLeft = ({ stateDir }: PlaygroundProcess) => {
  expect(existsSync(stateDir)).toBe(false);
  expect(processesWith(stateDir)).toEqual([]);
};

describe("stopping a playground", () => {
  it("leaves nothing when Ctrl-C reaches all processes of the terminal during initdb", async () => {
    const playground = await start(newStateDir(), [], undefined, { detached: true });
    await until(() => processesWith(playground.stateDir).length > 1, "initdb");
    process.kill(-(playground.child.pid ?? 0), "SIGINT");
    expect(await playground.exited).toBe(0);
    expect(playground.output()).toContain("stopped before the first step");
    expect(playground.output()).not.toContain("initdb");
    nothingIsLeft(playground);
  });

  it("reports a stopped step as stopped and not as failed", async () => {
    const playground = await start(newStateDir());
    await until(() => playground.output().includes("CRDs are installed"), "the story");
    expect(await playground.interrupt()).toBe(0);
    expect(playground.output()).toMatch(/stopped The operator runs with its own ServiceAccount/);
    expect(playground.output()).not.toContain("FAILED");
    nothingIsLeft(playground);
  });

  it("ends in order and without a stack trace when its output is closed", async () => {
    const playground = await start(newStateDir(), ["--once"]);
    await until(() => playground.output().includes("CRDs are installed"), "the story");
    playground.child.stdout?.destroy();
    expect(await playground.exited).toBe(1);
    expect(playground.output()).not.toMatch(/EPIPE|Error|at /);
    nothingIsLeft(playground);
  });
});

describe("a playground without a real control plane", () => {
  it.each([
    [undefined, "--control-plane real needs KUBEBUILDER_ASSETS: a folder with kube-apiserver and etcd"],
    ["/nowhere", "KUBEBUILDER_ASSETS (/nowhere) has no etcd: build it with test/conformance/build-tools.sh"],
  ])(
    "exits with one line of error when KUBEBUILDER_ASSETS is %s, and creates nothing",
    async (assets, message) => {
      const { KUBEBUILDER_ASSETS: _, ...rest } = process.env;
      const env = assets === undefined ? rest : { ...rest, KUBEBUILDER_ASSETS: assets };
      const playground = await start(newStateDir(), ["--once", "--control-plane", "real"], undefined, {
        env,
      });
      expect(await playground.exited).toBe(2);
      expect(playground.output()).toBe(`catalyst playground: ${message}\n`);
      nothingIsLeft(playground);
    },
  );
});

describe("--once", () => {
  it("ends with the table of Sovereigns, and names no page or command that leads nowhere", async () => {
    const playground = await start(newStateDir(), ["--once"]);
    expect(await playground.exited).toBe(0);
    const ending = playground.output().split("0 failed")[1] ?? "";
    expect(ending).toMatch(/SOVEREIGN +FQDN +READY +VOUCHER API/);
    expect(ending).toContain("Without --once, the playground keeps running");
    expect(ending).not.toMatch(/kubectl|curl|\/admin|\/redeem/);
    nothingIsLeft(playground);
  });
});
