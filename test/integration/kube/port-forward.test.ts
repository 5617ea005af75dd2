import { createServer } from "node:http";
import { request } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPodPort, type PodPort } from "../../../src/kube/port-forward.ts";
import { pod } from "../../support/builder/api-object.ts";
import { MERGE } from "../../support/server/api-request.ts";
import { startTestApiServer, type TestApiServer } from "../../support/server/apiserver.ts";

const PODS = "/api/v1/namespaces/default/pods";
const KEY = { namespace: "default", name: "web" };
/** Larger than 65,535 bytes, above which a frame has a long length. */
const LARGE = "x".repeat(200_000);

/** Answers with what it received; it cuts the connection for /cut. */
const service = createServer(async (request, response) => {
  if (request.url === "/cut") return void request.socket.destroy();
  let body = "";
  for await (const chunk of request) body += chunk;
  response.setHeader("asked", `${request.method} ${request.url} ${request.headers.authorization ?? ""}`);
  response.end(body);
});

let api: TestApiServer;
const ports: PodPort[] = [];

const configOf = (text: string) => {
  const config = new KubeConfig();
  config.loadFromString(text);
  return config;
};

function open(kubeconfig = api.server.adminKubeconfig, key = KEY, port = 8085): PodPort {
  const opened = openPodPort(configOf(kubeconfig), key, port);
  ports.push(opened);
  return opened;
}

const reasonOf = async (port: PodPort): Promise<string> => {
  const error = await port.fetch("http://web/").then(
    () => undefined,
    (failed: Error) => failed,
  );
  return String((error?.cause as Error | undefined)?.message);
};

/** A kubeconfig for an account of the namespace with these verbs on pods/portforward. */
async function kubeconfigWith(name: string, verbs: string[]): Promise<string> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
  await api.must("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name } });
  await api.must("POST", `${rbac}/roles`, {
    metadata: { name },
    rules: [{ apiGroups: [""], resources: ["pods/portforward"], verbs }],
  });
  await api.must("POST", `${rbac}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", namespace: "default", name }],
  });
  return api.server.serviceAccountKubeconfig("default", name);
}

beforeAll(async () => {
  await new Promise<void>((done) => service.listen(0, "127.0.0.1", done));
  const { port: listening } = service.address() as AddressInfo;
  api = await startTestApiServer({
    // Port 8085 of each Pod is the service; nothing listens on the others.
    connectToPod: ({ port }) => connect({ host: "127.0.0.1", port: port === 8085 ? listening : 1 }),
  });
  await api.must("POST", PODS, pod("web", { nodeName: "n" }));
  const status = { phase: "Running", podIP: "10.0.0.7" };
  await api.must("PATCH", `${PODS}/web/status`, { status }, MERGE);
  await api.must("POST", PODS, pod("waiting"));
});
afterAll(async () => {
  for (const port of ports) await port.close();
  await api?.dispose();
  service.close();
});

describe("a port of a Pod", () => {
  it("answers requests through the API server, with bodies of any size", async () => {
    const { fetch } = open();
    for (const body of ["", "a voucher", LARGE]) {
      const answer = await fetch("http://web/issue?a=b", {
        method: "POST",
        headers: { authorization: "Bearer of-the-pod" },
        body,
      });
      expect(await answer.text()).toBe(body);
      expect(answer.headers.get("asked")).toBe("POST /issue?a=b Bearer of-the-pod");
    }
  });

  it("serves requests at the same time", async () => {
    const { fetch } = open();
    const bodies = Array.from({ length: 8 }, (_, index) => `${index}${LARGE}`);
    const answers = await Promise.all(
      bodies.map(async (body) => (await fetch("http://web/", { method: "POST", body })).text()),
    );
    expect(answers).toEqual(bodies);
  });

  it("fails a request whose connection the Pod cuts, and serves the next one", async () => {
    const { fetch } = open();
    await expect(fetch("http://web/cut")).rejects.toThrow("fetch failed");
    expect((await fetch("http://web/")).status).toBe(200);
  });

  it("needs get and create on pods/portforward, and nothing else", async () => {
    const { fetch } = open(await kubeconfigWith("both", ["get", "create"]));
    expect((await fetch("http://web/")).status).toBe(200);
    const forbidden = (name: string, verb: string) =>
      `pods "web" is forbidden: User "system:serviceaccount:default:${name}" cannot ${verb} resource "pods/portforward"`;
    expect(await reasonOf(open(await kubeconfigWith("get-only", ["get"])))).toContain(
      forbidden("get-only", "create"),
    );
    expect(await reasonOf(open(await kubeconfigWith("create-only", ["create"])))).toContain(
      forbidden("create-only", "get"),
    );
  });

  it("rejects with the reason when it cannot be opened", async () => {
    expect(await reasonOf(open(undefined, { ...KEY, name: "absent" }))).toContain('pods "absent" not found');
    expect(await reasonOf(open(undefined, KEY, 1))).toMatch(/an error occurred forwarding 1: .*ECONNREFUSED/);
    const gone = api.server.adminKubeconfig.replace(/server: .*/, "server: https://127.0.0.1:1");
    expect(await reasonOf(open(gone))).toContain("ECONNREFUSED");
    expect(await reasonOf(open(undefined, { ...KEY, name: "waiting" }))).toContain(
      "the API server opens no connection to the Pod",
    );
  });
});

describe("the embedded API server", () => {
  const WEBSOCKET = {
    upgrade: "websocket",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "sec-websocket-protocol": "v4.channel.k8s.io",
  };

  function upgrade(path: string, headers: Record<string, string>): Promise<unknown> {
    const user = configOf(api.server.adminKubeconfig).getCurrentUser();
    return new Promise((done, fail) => {
      const asked = request(`${api.server.url}${path}`, {
        ca: api.server.caPem,
        cert: Buffer.from(user?.certData ?? "", "base64"),
        key: Buffer.from(user?.keyData ?? "", "base64"),
        headers: { connection: "Upgrade", ...headers },
      });
      asked.on("response", async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        done(JSON.parse(text).message);
      });
      asked.on("upgrade", () => done("upgraded"));
      asked.on("error", fail);
      asked.end();
    });
  }

  it.each<[string, object, string]>([
    ["/web/portforward?ports=8085", { upgrade: "h2c" }, "the upgrade must be to a WebSocket"],
    ["/web/portforward?ports=8085", { "sec-websocket-key": "" }, "the upgrade must be to a WebSocket"],
    [
      "/web/portforward?ports=8085",
      { "sec-websocket-protocol": "SPDY/3.1+portforward.k8s.io" },
      "this server forwards ports with the subprotocol v4.channel.k8s.io only",
    ],
    ["/web/portforward", {}, 'query parameter "ports" must be one port'],
    ["/web/portforward?ports=1,2", {}, 'query parameter "ports" must be one port'],
    ["/web/portforward?ports=0", {}, 'query parameter "ports" must be one port'],
    ["/web/exec", {}, "only pods/portforward can be upgraded to a WebSocket"],
    [
      "/waiting/portforward?ports=1",
      {},
      "unable to forward port because pod is not running. Current status=Pending",
    ],
  ])("refuses to upgrade %s with %j", async (path, headers, message) => {
    expect(await upgrade(`${PODS}${path}`, { ...WEBSOCKET, ...headers })).toBe(message);
  });

  it("forwards no port when it was started without a connection to Pods", async () => {
    const plain = await startTestApiServer();
    await plain.must("POST", PODS, pod("web"));
    const { status, body } = await plain.send("GET", `${PODS}/web/portforward`);
    expect([status, body.message]).toEqual([501, "this API server does not serve pods/portforward"]);
    await plain.dispose();
  });
});
