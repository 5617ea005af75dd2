import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createConnection, loadKubeConfig } from "../../../src/kube/connection.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import {
  configMapAt,
  type Script,
  type ScriptedApi,
  sendJson,
  sendRefusal,
} from "../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../support/server/scripted-client.ts";

const start = useScriptedClients();
const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const KEY = { name: "settings", namespace: "default" };
const found = configMapAt("settings", 7);

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-kube-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("a connection", () => {
  // Two, because a call that starts in the tick in which the former call ends finds its connection still in use.
  it("carries a hundred calls over at most two TLS connections", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 200, found));
    for (let i = 0; i < 100; i += 1) await client.get(CONFIG_MAPS, KEY);
    expect(api.requests).toHaveLength(100);
    expect(api.connections()).toBeLessThanOrEqual(2);
    expect(api.requests[0]?.headers).toMatchObject({
      authorization: "Bearer scripted",
      "user-agent": "catalyst-test",
    });
  });

  it("is opened again only when the client certificate has changed, within a second", async () => {
    const folder = temporaryFolder();
    const [cert, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
    const { api, client } = await start(
      (_, response) => sendJson(response, 200, found),
      (scripted) => {
        writeFileSync(cert, scripted.certificates.certificate);
        writeFileSync(key, scripted.certificates.key);
        return scripted.kubeConfig({ certFile: cert, keyFile: key });
      },
    );
    for (let i = 0; i < 10; i += 1) await client.get(CONFIG_MAPS, KEY);
    const before = api.connections();
    expect(before).toBeLessThanOrEqual(2);
    const { api: other } = await start(() => {});
    writeFileSync(cert, other.certificates.certificate);
    writeFileSync(key, other.certificates.key);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (let i = 0; i < 10; i += 1) await client.get(CONFIG_MAPS, KEY);
    expect(api.connections()).toBeGreaterThan(before);
    expect(api.connections()).toBeLessThanOrEqual(before + 2);
  });

  it("is replaced for a read when the server closed it while idle", async () => {
    const { api, client } = await start((_, response) => sendJson(response, 200, found));
    await client.get(CONFIG_MAPS, KEY);
    api.cut();
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
  });
});

describe("a token file", () => {
  const kubeconfigWith = (api: ScriptedApi, tokenFile: string) => {
    const path = join(temporaryFolder(), "kubeconfig");
    const cluster = {
      server: api.origin,
      "certificate-authority-data": Buffer.from(api.caPem).toString("base64"),
    };
    const text = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user: { tokenFile } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    });
    writeFileSync(path, text);
    return loadKubeConfig(path);
  };

  it("is sent to its own server only, without the line feed", async () => {
    const folder = temporaryFolder();
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    writeFileSync(one, "token-one\n");
    writeFileSync(two, "token-two\n");
    const ok: Script = (_, response) => sendJson(response, 200, found);
    const first = await start(ok, (api) => kubeconfigWith(api, one));
    const second = await start(ok, (api) => kubeconfigWith(api, two));
    await first.client.get(CONFIG_MAPS, KEY);
    await second.client.get(CONFIG_MAPS, KEY);
    await first.client.get(CONFIG_MAPS, KEY);
    const sent = ({ api }: { api: ScriptedApi }) => api.requests.map(({ headers }) => headers.authorization);
    expect(sent(first)).toEqual(["Bearer token-one", "Bearer token-one"]);
    expect(sent(second)).toEqual(["Bearer token-two"]);
  });

  it("is read again as soon as its former token is refused", async () => {
    const file = join(temporaryFolder(), "token");
    writeFileSync(file, "former");
    const { api, client } = await start(
      ({ headers }, response) =>
        headers.authorization === "Bearer fresh"
          ? sendJson(response, 200, found)
          : sendRefusal(response, 401, "Unauthorized"),
      (scripted) => kubeconfigWith(scripted, file),
    );
    await expect(client.get(CONFIG_MAPS, KEY)).rejects.toMatchObject({ status: 401 });
    expect(api.requests).toHaveLength(1);
    writeFileSync(file, "fresh");
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
  });

  it("returns the last token while the file is missing", async () => {
    const file = join(temporaryFolder(), "token");
    writeFileSync(file, "former");
    let answers = 0;
    const { api, client } = await start(
      (_, response) => {
        answers += 1;
        if (answers === 1) sendJson(response, 200, found);
        else sendRefusal(response, 401, "Unauthorized");
      },
      (scripted) => kubeconfigWith(scripted, file),
    );
    await client.get(CONFIG_MAPS, KEY);
    rmSync(file);
    await expect(client.get(CONFIG_MAPS, KEY)).rejects.toMatchObject({ status: 401 });
    expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer former",
      "Bearer former",
    ]);
  });

  it("fails calls when the file never existed", async () => {
    const { api, client } = await start(
      (_, response) => sendJson(response, 200, found),
      (scripted) => kubeconfigWith(scripted, "/does/not/exist"),
    );
    await expect(client.get(CONFIG_MAPS, KEY)).rejects.toMatchObject({ reason: "Unreachable" });
    expect(api.requests).toEqual([]);
  });
});

describe("a kubeconfig", () => {
  const ok: Script = (_, response) => sendJson(response, 200, found);

  it("supports a user with a password", async () => {
    const { api, client } = await start(ok, (it) => it.kubeConfig({ username: "ann", password: "p:w" }));
    await client.get(CONFIG_MAPS, KEY);
    expect(api.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from("ann:p:w").toString("base64")}`);
  });

  it("supports another host name in the server's certificate", async () => {
    const other = await start(ok, (it) => it.kubeConfig(undefined, { tlsServerName: "other.example" }));
    const error = await other.client.get(CONFIG_MAPS, KEY).catch((thrown: unknown) => thrown);
    expect((error as Error).cause).toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  });

  it("supports trusting any certificate, and trusts only public CAs when it names none", async () => {
    const trusting = await start(ok, (it) =>
      it.kubeConfig(undefined, { caData: undefined, skipTLSVerify: true }),
    );
    expect(await trusting.client.get(CONFIG_MAPS, KEY)).toEqual(found);
    const strict = await start(ok, (it) => it.kubeConfig(undefined, { caData: undefined }));
    await expect(strict.client.get(CONFIG_MAPS, KEY)).rejects.toMatchObject({ reason: "Unreachable" });
  });

  it("supports a proxy", async () => {
    const tunnels: string[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, socket: Socket, head: Buffer) => {
      tunnels.push(request.url ?? "");
      const [host, port] = (request.url ?? "").split(":");
      const upstream = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [upstream, socket]) end.on("error", () => undefined);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    cleanups.push(() => proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const { api, client } = await start(ok, (it) =>
      it.kubeConfig(undefined, { proxyUrl: `http://127.0.0.1:${port}` }),
    );
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
    expect(tunnels).toEqual([new URL(api.origin).host]);
  });

  it("is refused without a current cluster", () => {
    expect(() => createConnection(new KubeConfig())).toThrow("the kubeconfig names no current cluster");
  });

  it("is the one of the Pod when no file is named", () => {
    vi.stubEnv("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    vi.stubEnv("KUBERNETES_SERVICE_PORT", "443");
    const config = loadKubeConfig(undefined);
    vi.unstubAllEnvs();
    expect(config.getCurrentCluster()?.server).toBe("https://10.0.0.1:443");
    expect(config.getCurrentUser()?.authProvider?.config).toMatchObject({
      tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token",
    });
  });
});
