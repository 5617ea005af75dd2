import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { parseAllDocuments } from "yaml";
import { issueCertificates } from "../../src/admission/certificate/certificate.ts";
import type { KubernetesObject } from "../../src/api/object.ts";
import { loadCommands } from "../../src/cli/command-list.ts";
import { completionScript } from "../../src/cli/completion-script.ts";
import { createKubeClient } from "../../src/kube/client.ts";
import { apiVersionOf, NODES } from "../../src/kube/resource.ts";
import { INSTALLED } from "../../src/operator/preflight/right-check.ts";
import { startBilling } from "../support/builder/billing.ts";
import { writeBillingPod } from "../support/server/billing-pod.ts";
import { startTestControlPlane } from "../support/server/kube-apiserver.ts";

const ROOT = join(import.meta.dirname, "../..");
const { KUBEBUILDER_ASSETS: assets } = process.env;
const { bin, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  bin: Record<string, string>;
  version: string;
};

/** npm installs the plugin as a link in PATH. */
const folder = mkdtempSync(join(tmpdir(), "kubectl-plugin-"));
symlinkSync(join(ROOT, bin["kubectl-catalyst"] ?? ""), join(folder, "kubectl-catalyst"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Asynchronous, because this process serves the requests of kubectl. */
function kubectl(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const PATH = [folder, dirname(process.execPath), process.env.PATH].join(delimiter);
  return new Promise((done) => {
    const child = execFile(
      join(assets ?? "", "kubectl"),
      args,
      { env: { PATH, HOME: folder } },
      (_, stdout, stderr) => done({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** The port-forwarding part of a kubelet: every port of a Pod leads to `port` on this machine. */
async function startKubelet(port: number): Promise<{ port: number; close(): void }> {
  const { key, certificate: cert } = await issueCertificates(["127.0.0.1"], new Date());
  const server = createServer({ key, cert });
  const webSockets = new WebSocketServer({ server, handleProtocols: () => "v4.channel.k8s.io" });
  webSockets.on("connection", (client) => {
    const upstream = connect({ host: "127.0.0.1", port });
    client.on("message", (data: Buffer) => void upstream.write(data.subarray(1)));
    client.on("close", () => upstream.destroy());
    for (const channel of [0, 1]) client.send(Buffer.from([channel, 8085 & 0xff, 8085 >> 8]));
    upstream.on("data", (data: Buffer) => client.send(Buffer.concat([Buffer.from([0]), data])));
    upstream.on("end", () => client.close());
    upstream.on("error", () => client.close());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

describe.skipIf(assets === undefined)("the rights that catalyst preflight asks for", () => {
  it("cover every kind in the chart", () => {
    const chart = join(ROOT, "charts/catalyst-operator");
    const image = [
      "--set",
      "image.repository=registry.example/catalyst",
      "--set",
      `image.digest=sha256:${"0".repeat(64)}`,
    ];
    const text = execFileSync(
      join(assets ?? "", "helm"),
      ["template", "catalyst-operator", chart, "--namespace", "catalyst-system", ...image],
      { encoding: "utf8", env: { PATH: process.env.PATH, HOME: folder } },
    );
    const rendered = parseAllDocuments(text).flatMap((document) => {
      const { apiVersion, kind, metadata } = (document.toJS() ?? {}) as Partial<KubernetesObject>;
      // `helm test` creates its Pod later.
      const isTest = metadata?.annotations?.["helm.sh/hook"] === "test";
      return kind === undefined || isTest ? [] : [`${apiVersion} ${kind}`];
    });
    const asked = INSTALLED.map((resource) => `${apiVersionOf(resource)} ${resource.kind}`);
    expect(new Set(rendered).size).toBeGreaterThan(10);
    expect(rendered.filter((kind) => !asked.includes(kind))).toEqual([]);
  });
});

describe.skipIf(assets === undefined)("kubectl catalyst", () => {
  it("runs this program under the name of the plugin", async () => {
    expect((await kubectl("plugin", "list")).stdout).toContain(join(folder, "kubectl-catalyst"));
    expect(await kubectl("catalyst", "--version")).toMatchObject({
      status: 0,
      stdout: `kubectl catalyst ${version}\n`,
    });
    expect((await kubectl("catalyst", "help", "rollout")).stdout).toContain(
      "Usage: kubectl catalyst rollout ACTION RELEASE [NAME] [FLAGS]",
    );
  });

  it("passes arguments, messages and exit codes", async () => {
    expect(await kubectl("catalyst", "status", "sovereign")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(
        "kubectl catalyst status: use: kubectl catalyst status [sovereign NAME | release NAME]",
      ),
    });
    expect(await kubectl("catalyst", "stauts")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("kubectl catalyst: unknown command 'stauts': did you mean status?"),
    });
  });

  it("completes words in kubectl, with the script that catalyst completion prints", async () => {
    const script = join(folder, "kubectl_complete-catalyst");
    writeFileSync(script, completionScript("kubectl", await loadCommands()), { mode: 0o700 });
    expect((await kubectl("__complete", "catalyst", "rollout", "pa")).stdout).toBe("pause\n:4\n");
  });

  it("issues a voucher through kube-apiserver, which connects to the Pod's port through the kubelet", async () => {
    const billing = await startBilling();
    const kubelet = await startKubelet(Number(new URL(billing.origin).port));
    const plane = await startTestControlPlane("real");
    const client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "kubectl-plugin-test" });
    try {
      await client.create(NODES, { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
      const status = {
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
      };
      await client.mergePatch(NODES, { name: "n" }, { status }, "status");
      await writeBillingPod(client);
      const vouchers = (...args: string[]) =>
        kubectl(
          "catalyst",
          "vouchers",
          ...args,
          "--sovereign",
          "omantel",
          "--kubeconfig",
          plane.kubeconfigPath,
        );
      expect(await vouchers("issue", "real", "--credit", "7")).toEqual({
        ...{ status: 0, stderr: "", stdout: "voucher REAL issued\n" },
      });
      expect((await vouchers("list")).stdout).toMatch(/^CODE .*\nREAL {3}7 {8}0 /);
      expect(await vouchers("revoke", "absent")).toMatchObject({
        status: 1,
        stderr: expect.stringContaining("(voucher_not_found, 404)"),
      });
    } finally {
      await client.close();
      await plane.close();
      kubelet.close();
      await billing.close();
    }
  });
});
