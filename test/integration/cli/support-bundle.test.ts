import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../../src/cli/support-bundle.ts";
import { createKubeClient } from "../../../src/kube/client.ts";
import { runHere } from "../../support/process/command.ts";
import { MERGE } from "../../support/server/api-request.ts";
import { startTestApiServer, type TestApiServer } from "../../support/server/apiserver.ts";
import { BILLING_NAMESPACE, writeBillingPod } from "../../support/server/billing-pod.ts";

const folder = mkdtempSync(join(tmpdir(), "support-bundle-"));
const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmYXRtYSJ9.c2lnbmF0dXJlLW9mLWEtdG9rZW4";

/** One secret of each kind, none of which may be in the archive. */
const PLANTED = [
  "postgres://billing:hunter2-db@db.internal:5432/billing?sslmode=require",
  "https://user:hunter2-url@registry.example/v2/",
  `Authorization: Bearer opaque-bearer-0123456789`,
  `login with ${JWT}`,
  "password=hunter2-plain",
  '"apiKey":"hunter2-json"',
  "sk_live_51hunter2stripe",
  "whsec_hunter2webhook",
  "-----BEGIN PRIVATE KEY-----\nMIIEhunter2key\n-----END PRIVATE KEY-----",
  "X29tZS-sb25nIHJhbmRvbS-rZXkgb2YgZm9ydHkgYn-0ZXMgaHVudGVyMg",
  "login with glpat-hunter2hunter2",
  "c29tZSBsb25nIHJhbmRvbSBrZXkgb2YgZm9ydHkgYnl0ZXMgaHVudGVyMg==",
  "order of fatma@customer.example from 203.0.113.77 and 2001:db8::77",
].join("\n");
const SECRETS = [
  ...[
    "hunter2",
    "opaque-bearer",
    JWT,
    JWT.split(".")[1] ?? "",
    "c29tZSBsb25n",
    "X29tZS-sb25n",
    "db.internal",
  ],
  ...[
    "fatma@customer.example",
    "203.0.113.77",
    "2001:db8::77",
    "from-a-secret",
    "from-a-variable",
    "from-a-header",
  ],
];

const metrics = createServer((_, response) => {
  response.end(`catalyst_up{text="${PLANTED.replaceAll("\n", "\\n").replaceAll('"', '\\"')}"} 1\n`);
});
let api: TestApiServer;
let kubeconfig: string;

beforeAll(async () => {
  await new Promise<void>((done) => metrics.listen(0, "127.0.0.1", done));
  const { port } = metrics.address() as AddressInfo;
  api = await startTestApiServer({
    connectToPod: () => connect({ host: "127.0.0.1", port }),
    podLog: async function* ({ tailLines }) {
      yield `${JSON.stringify({ level: "info", msg: PLANTED, token: "hunter2-member" })}\n${PLANTED}\n`;
      yield `last ${tailLines} lines\n`;
    },
  });
  const config = new KubeConfig();
  config.loadFromString(api.server.adminKubeconfig);
  const client = createKubeClient({ kubeConfig: config, userAgent: "support-bundle-test" });
  await writeBillingPod(client);
  await client.close();
  await plant();
  kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, api.server.adminKubeconfig);
});
afterAll(async () => {
  await api?.dispose();
  metrics.close();
  rmSync(folder, { recursive: true });
});

async function plant(): Promise<void> {
  const sovereigns = "/apis/catalyst.openova.io/v1alpha1/sovereigns";
  const at = "2026-06-01T00:00:00Z";
  await api.must(
    "PATCH",
    `${sovereigns}/omantel`,
    { metadata: { annotations: { "kubectl.kubernetes.io/last-applied-configuration": PLANTED } } },
    MERGE,
  );
  const condition = { type: "Ready", status: "False", reason: "DatabaseUnreachable", lastTransitionTime: at };
  await api.must(
    "PATCH",
    `${sovereigns}/omantel/status`,
    { status: { conditions: [{ ...condition, message: PLANTED }] } },
    MERGE,
  );
  await api.must("POST", `/api/v1/namespaces/${BILLING_NAMESPACE}/events`, {
    metadata: { name: "planted" },
    involvedObject: { kind: "Pod", namespace: BILLING_NAMESPACE, name: "billing-0" },
    ...{ reason: "Failed", type: "Warning", message: PLANTED },
  });
  await api.must("POST", `/api/v1/namespaces/${BILLING_NAMESPACE}/secrets`, {
    metadata: { name: "other" },
    stringData: { key: "from-a-secret" },
  });
  await api.must("POST", "/api/v1/namespaces/catalyst-system/configmaps", {
    metadata: { name: "other" },
    data: { key: "from-a-secret" },
  });
  const containers = [
    {
      ...{ name: "operator", image: "example.org/app:1", args: ["--token=hunter2-argument"] },
      env: [{ name: "PLAIN", value: "from-a-variable" }],
      livenessProbe: { httpGet: { port: 8080, httpHeaders: [{ name: "X-Probe", value: "from-a-header" }] } },
    },
    { name: "sidecar", image: "example.org/sidecar:1" },
  ];
  const labels = { "app.kubernetes.io/name": "catalyst-operator" };
  await api.must("POST", "/api/v1/namespaces/catalyst-system/pods", {
    metadata: { name: "catalyst-operator-0", labels, annotations: { note: PLANTED } },
    spec: { nodeName: "n", containers },
  });
  await api.must("POST", "/apis/apps/v1/namespaces/catalyst-system/deployments", {
    metadata: { name: "catalyst-operator" },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations: { note: PLANTED } }, spec: { containers } },
    },
  });
  const running = { status: { phase: "Running", podIP: "10.0.0.8" } };
  await api.must(
    "PATCH",
    "/api/v1/namespaces/catalyst-system/pods/catalyst-operator-0/status",
    running,
    MERGE,
  );
}

/** The files of an archive by path, as the system's tar unpacks them. */
function unpack(archive: string): Map<string, string> {
  const target = mkdtempSync(join(folder, "unpacked-"));
  execFileSync("tar", ["-xzf", archive, "-C", target]);
  return new Map(
    readdirSync(target, { recursive: true, encoding: "utf8" })
      .filter((path) => statSync(join(target, path)).isFile())
      .sort()
      .map((path) => [path, readFileSync(join(target, path), "utf8")]),
  );
}

describe("catalyst support-bundle", () => {
  it("contains kinds, workloads, Events, logs, metrics and versions, and no secret or address", async () => {
    const archive = join(folder, "bundle.tar.gz");
    const args = ["--file", archive, "--log-lines", "50", "--kubeconfig", kubeconfig];
    expect(await runHere(command, args, {})).toEqual({ code: 0, stdout: `${archive}: 26 files\n` });
    expect(statSync(archive).mode & 0o777).toBe(0o600);
    const files = unpack(archive);
    expect([...files.keys()].filter((path) => !/resting|remote/.test(path))).toEqual([
      ...["billingreleases", "blueprints", "environmentpolicies", "franchises"].map(
        (name) => `kinds/${name}.json`,
      ),
      ...["kinds/organizations.json", "kinds/sovereigns.json", "missing.txt"],
      ...["catalyst-system", BILLING_NAMESPACE].flatMap((namespace) =>
        ["deployments", "events", "jobs", "pods"].map((name) => `namespaces/${namespace}/${name}.json`),
      ),
      ...["operator/catalyst-operator-0.log", "operator/catalyst-operator-0.metrics.txt", "version.json"],
    ]);
    for (const [path, content] of files)
      for (const secret of SECRETS) expect(content, `${secret} in ${path}`).not.toContain(secret);
    expect(files.get("operator/catalyst-operator-0.log")).toContain("last 50 lines");
    expect(files.get("operator/catalyst-operator-0.metrics.txt")).toMatch(/^catalyst_up\{/);
    expect(files.get(`namespaces/${BILLING_NAMESPACE}/events.json`)).toContain('"reason": "Failed"');
    const [omantel] = JSON.parse(files.get("kinds/sovereigns.json") ?? "");
    expect(omantel).toMatchObject({
      metadata: { name: "omantel" },
      spec: { billing: { auth: { secretRef: { name: "billing-jwt" } } } },
      status: { conditions: [{ reason: "DatabaseUnreachable" }] },
    });
    expect(
      JSON.parse(files.get("namespaces/catalyst-system/pods.json") ?? "")[0].spec.containers[0].env,
    ).toEqual([{ name: "PLAIN" }]);
    expect(JSON.parse(files.get("version.json") ?? "")).toMatchObject({
      kubernetes: { gitVersion: "v1.36.4" },
    });
  });

  it("does not replace a file", async () => {
    const archive = join(folder, "taken");
    writeFileSync(archive, "kept");
    const bundle = (file: string) => runHere(command, ["--file", file, "--kubeconfig", kubeconfig], {});
    await expect(bundle(archive)).rejects.toThrow(`--file exists already: ${archive}`);
    await expect(bundle(join(folder, "absent", "b"))).rejects.toThrow(
      `--file is in a folder that does not exist: ${join(folder, "absent")}`,
    );
    // The link's target does not exist. The link is not followed.
    symlinkSync(join(folder, "elsewhere"), join(folder, "link"));
    await expect(bundle(join(folder, "link"))).rejects.toThrow("EEXIST");
    expect(readFileSync(archive, "utf8")).toBe("kept");
  });

  it("writes nothing when it is stopped", async () => {
    const archive = join(folder, "stopped.tar.gz");
    const args = ["--file", archive, "--kubeconfig", kubeconfig];
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const stopped = command.run({ args, env: {}, signal: AbortSignal.abort(), stdout, stderr });
    await expect(stopped).rejects.toThrow();
    expect(existsSync(archive)).toBe(false);
  });

  it("writes nothing when the cluster does not answer", async () => {
    const archive = join(folder, "unreachable.tar.gz");
    const away = join(folder, "away");
    writeFileSync(away, api.server.adminKubeconfig.replace(/server: \S+/, "server: https://127.0.0.1:1"));
    const collecting = runHere(command, ["--file", archive, "--kubeconfig", away], {});
    await expect(collecting).rejects.toThrow("ECONNREFUSED");
    expect(existsSync(archive)).toBe(false);
  });

  it("lists the objects that it could not read, and contains the rest", async () => {
    await api.must("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "stranger" } });
    const stranger = join(folder, "stranger");
    writeFileSync(stranger, await api.server.serviceAccountKubeconfig("default", "stranger"));
    const archive = join(folder, "stranger.tar.gz");
    const { code, stdout } = await runHere(command, ["--file", archive, "--kubeconfig", stranger], {});
    expect(code).toBe(1);
    expect(stdout).toMatch(/^could not read kinds\/sovereigns\.json: .* is forbidden: /m);
    const files = unpack(archive);
    expect([...files.keys()]).toEqual(["missing.txt", "version.json"]);
    expect(files.get("missing.txt")).toContain("Pods of the operator: ");
  });

  it.each([
    ["--log-lines", "0", "--log-lines must be a whole number from 1 to 100000"],
    ["--metrics-port", "http", "--metrics-port must be a whole number from 1 to 65535"],
  ])("refuses %s %s", async (flag, value, message) => {
    await expect(runHere(command, [flag, value], {})).rejects.toThrow(message);
  });
});
