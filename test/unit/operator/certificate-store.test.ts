import { afterEach, describe, expect, it } from "vitest";
import type { SecretObject } from "../../../src/api/object.ts";
import { createKubeClient } from "../../../src/kube/client.ts";
import { createInformer } from "../../../src/kube/informer.ts";
import { SECRETS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../../src/kube/resource.ts";
import {
  createCertificateStore,
  createPublishedAuthorities,
} from "../../../src/operator/certificate-store.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { fixedInformer } from "../../support/builder/reconcile-context.ts";
import { type Script, sendJson, sendRefusal, startScriptedApi } from "../../support/server/scripted-api.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(script: Script) {
  const api = await startScriptedApi(script);
  const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
  cleanups.push(
    () => api.close(),
    () => client.close(),
  );
  const logger = createLogger("test", "silent");
  const secrets = createInformer<SecretObject>({ client, logger }, SECRETS);
  return { api, store: createCertificateStore(client, secrets) };
}

const CERTIFICATES = { caBundle: "b", caCertificate: "c", caKey: "ck", certificate: "t", key: "k" };
const DATA = {
  "ca-bundle.crt": "Yg==",
  "ca.crt": "Yw==",
  "ca.key": "Y2s=",
  "tls.crt": "dA==",
  "tls.key": "aw==",
};

describe("createCertificateStore", () => {
  it("reads no certificate and no version while the Secret does not exist", async () => {
    const { store } = await start((_, response) => sendRefusal(response, 404, "NotFound"));
    const { stored, version } = await store.read();
    expect(version).toBeUndefined();
    expect(Object.values(stored)).toEqual(["", "", "", "", ""]);
  });

  it("reads the certificates of the Secret and its version", async () => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { resourceVersion: "7" }, data: DATA };
    const { store } = await start((_, response) => sendJson(response, 200, secret));
    expect(await store.read()).toEqual({ stored: CERTIFICATES, version: "7" });
  });

  it.each([
    ["creates the Secret without a version", undefined, "POST", undefined],
    ["replaces the version that it follows", "7", "PUT", "7"],
  ])("%s", async (_, version, method, resourceVersion) => {
    const { api, store } = await start((_request, response) => sendJson(response, 200, {}));
    expect(await store.write(CERTIFICATES, version)).toBe(true);
    expect(api.requests).toMatchObject([{ method, body: { type: "Opaque", data: DATA } }]);
    const [written] = api.requests.map(({ body }) => body as SecretObject);
    expect(written?.metadata.resourceVersion).toBe(resourceVersion);
  });

  it.each([
    [409, "AlreadyExists", undefined],
    [409, "Conflict", "7"],
    [404, "NotFound", "7"],
  ])("returns false when another replica wrote first: %i %s", async (status, reason, version) => {
    const { store } = await start((_, response) => sendRefusal(response, status, reason));
    expect(await store.write(CERTIFICATES, version)).toBe(false);
  });

  it("says what to do with a Secret that cannot be changed", async () => {
    const { store } = await start((_, response) => sendRefusal(response, 422, "Invalid"));
    await expect(store.write(CERTIFICATES, "7")).rejects.toThrow(
      /: delete Secret catalyst-system\/catalyst-operator-webhook-tls, and the operator makes another one$/,
    );
  });

  it("rejects when the server refuses the write", async () => {
    const { store } = await start((_, response) => sendRefusal(response, 403, "Forbidden"));
    await expect(store.write(CERTIFICATES, undefined)).rejects.toMatchObject({ reason: "Forbidden" });
  });
});

describe("createPublishedAuthorities", () => {
  it("reports changes of the operator's webhook configuration, and of no other one", () => {
    const configurations = fixedInformer(VALIDATING_WEBHOOK_CONFIGURATIONS);
    const authorities = createPublishedAuthorities(configurations);
    let changes = 0;
    authorities.onChange(() => {
      changes += 1;
    }, new AbortController().signal);
    const announce = (name: string) =>
      configurations.announce({
        kind: "added",
        object: { apiVersion: "v1", kind: "ValidatingWebhookConfiguration", metadata: { name } },
      });
    announce("another-operator");
    expect(changes).toBe(0);
    announce("catalyst-operator");
    expect(changes).toBe(1);
    expect(authorities.current()).toEqual([]);
  });
});
