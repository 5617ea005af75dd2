import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, request } from "undici";
import { stringify } from "yaml";
import { UsageError } from "../../platform/errors.ts";
import { sleep } from "../../platform/shutdown.ts";
import { urlHost } from "../../platform/url-host.ts";
import { kubeconfigText } from "../apiserver/index.ts";
import { type Child, startChild } from "../process/child.ts";
import { findFreePort } from "../process/free-port.ts";
import { AUDITED_USER, type ControlPlane, type ControlPlaneOptions } from "./control-plane.ts";

const START_TIMEOUT_MS = 60_000;
const ADMIN = "playground-admin";

/** Paths of the control plane's programs. */
export interface Assets {
  etcd: string;
  apiserver: string;
}

/** Finds the programs in `folder`, the value of `KUBEBUILDER_ASSETS`. Throws a `UsageError` that names what is missing. */
export function findAssets(folder: string | undefined): Assets {
  if (folder === undefined) {
    throw new UsageError(
      "--control-plane real needs KUBEBUILDER_ASSETS: a folder with kube-apiserver and etcd",
    );
  }
  const binary = (name: string) => {
    const path = join(folder, name);
    if (!existsSync(path))
      throw new UsageError(
        `KUBEBUILDER_ASSETS (${folder}) has no ${name}: build it with test/conformance/build-tools.sh`,
      );
    return path;
  };
  return { etcd: binary("etcd"), apiserver: binary("kube-apiserver") };
}

/** The addresses of a control plane. Those of Services must be of the same family as its own. */
export interface ControlPlaneNetwork {
  address: "127.0.0.1" | "::1";
  serviceRange: string;
}

const IPV4: ControlPlaneNetwork = { address: "127.0.0.1", serviceRange: "10.96.0.0/16" };

/** Starts kube-apiserver and etcd. Their data are in the state directory. `flags` are further flags of kube-apiserver. */
export async function startRealControlPlane(
  options: ControlPlaneOptions,
  { etcd, apiserver }: Assets,
  { address, serviceRange }: ControlPlaneNetwork = IPV4,
  flags: readonly string[] = [],
): Promise<ControlPlane> {
  const { state, watchdog, port } = options;
  const folder = state.file("control-plane");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const token = ensureFiles(folder);
  const [clientPort, peerPort] = [await findFreePort(), await findFreePort()];
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;

  const store = await startChild({
    argv: [
      etcd,
      ...[
        "--data-dir",
        join(folder, "etcd"),
        "--listen-client-urls",
        clientUrl,
        "--advertise-client-urls",
        clientUrl,
      ],
      ...[
        "--listen-peer-urls",
        peerUrl,
        "--initial-advertise-peer-urls",
        peerUrl,
        "--initial-cluster",
        `default=${peerUrl}`,
      ],
      ...["--force-new-cluster=false", "--unsafe-no-fsync"],
    ],
    env: {},
    logFile: state.file("logs", "etcd.log"),
    watchdog,
  });
  const logFile = state.file("logs", "kube-apiserver.log");
  const server = await startChild({
    argv: [
      apiserver,
      ...[
        `--etcd-servers=${clientUrl}`,
        `--secure-port=${port}`,
        `--bind-address=${address}`,
        `--advertise-address=${address}`,
      ],
      ...[`--cert-dir=${join(folder, "certificates")}`, `--token-auth-file=${join(folder, "tokens.csv")}`],
      ...[`--service-account-key-file=${join(folder, "service-account.pub")}`],
      ...[`--service-account-signing-key-file=${join(folder, "service-account.key")}`],
      ...[
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        `--service-cluster-ip-range=${serviceRange}`,
      ],
      // Without a controller manager there are no default ServiceAccounts. The endpoint reconciler would publish loopback
      // addresses, which the API server refuses.
      ...[
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
      ],
      ...["--allow-privileged=false", "--profiling=false", ...flags],
      ...[
        `--audit-policy-file=${join(folder, "audit-policy.yaml")}`,
        `--audit-log-path=${state.file("logs", "audit.log")}`,
      ],
    ],
    env: {},
    logFile,
    watchdog,
  });
  const url = `https://${urlHost(address)}:${port}`;
  await waitUntilReady(url, token, server, logFile);
  const caPem = readFileSync(join(folder, "certificates", "apiserver.crt"), "utf8");
  return {
    url,
    caPem,
    adminKubeconfig: kubeconfigText({ name: "playground", url, caPem }, { name: ADMIN, token }),
    async close() {
      await server.stop(5_000);
      await store.stop(5_000);
    },
  };
}

/** The requests of one user, without their bodies. A watch is logged when it is answered. */
const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata", users: [AUDITED_USER] }, { level: "None" }],
};

/** Creates the keys and the administrator's token unless they exist, and returns the token. */
function ensureFiles(folder: string): string {
  const tokens = join(folder, "tokens.csv");
  if (!existsSync(tokens)) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const write = (name: string, content: string | Buffer) =>
      writeFileSync(join(folder, name), content, { mode: 0o600 });
    write("service-account.key", privateKey.export({ type: "sec1", format: "pem" }));
    write("service-account.pub", publicKey.export({ type: "spki", format: "pem" }));
    write("tokens.csv", `${randomBytes(24).toString("base64url")},${ADMIN},${ADMIN},"system:masters"\n`);
  }
  writeFileSync(join(folder, "audit-policy.yaml"), stringify(AUDIT_POLICY), { mode: 0o600 });
  return readFileSync(tokens, "utf8").split(",")[0] ?? "";
}

async function waitUntilReady(url: string, token: string, server: Child, logFile: string): Promise<void> {
  // kube-apiserver creates its own certificate, so it cannot be verified before the server is ready.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const until = Date.now() + START_TIMEOUT_MS;
  try {
    while (Date.now() < until) {
      if (!server.isRunning()) throw new Error(`kube-apiserver exited during its start: see ${logFile}`);
      try {
        const response = await request(`${url}/readyz`, {
          dispatcher,
          headers: { authorization: `Bearer ${token}` },
        });
        await response.body.dump();
        if (response.statusCode === 200) return;
      } catch {
        // The server does not listen yet.
      }
      await sleep(100);
    }
    throw new Error(`kube-apiserver is not ready after ${START_TIMEOUT_MS / 1000} s: see ${logFile}`);
  } finally {
    await dispatcher.close();
  }
}
