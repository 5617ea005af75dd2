import { generateKeyPairSync } from "node:crypto";
import { afterEach } from "vitest";
import type { SecretObject } from "../../../src/api/object.ts";
import { createKubeClient } from "../../../src/kube/client.ts";
import { SECRETS } from "../../../src/kube/resource.ts";
import { createSigningKeys } from "../../../src/operator/signing-key.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { fixedInformer } from "../builder/reconcile-context.ts";
import { type Script, sendJson, sendRefusal, startScriptedApi } from "./scripted-api.ts";

/** Starts replicas that load their signing keys, each with an API server of its own. All are closed after the test. */
export function useSigningKeys() {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  /** `laterMs`: how much later than the others this replica starts. */
  return async function load(script: Script, laterMs = 0) {
    const api = await startScriptedApi(script);
    const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
    const stop = new AbortController();
    cleanups.push(
      () => api.close(),
      () => client.close(),
      () => stop.abort(),
    );
    const secrets = fixedInformer<SecretObject>(SECRETS);
    const clock = { ms: Date.parse("2026-11-29T12:00:00Z") + laterMs };
    const keys = createSigningKeys({
      ...{ client, secrets, logger: createLogger("test", "silent"), signal: stop.signal },
      now: () => new Date(clock.ms),
    });
    return { api, keys, secrets, clock };
  };
}

/** An API server that stores the one Secret. */
export function storing(stored: { secret?: SecretObject }): Script {
  return ({ method, body }, response) => {
    if (method === "POST" && stored.secret !== undefined) return sendRefusal(response, 409, "AlreadyExists");
    if (method === "POST") stored.secret = body as SecretObject;
    if (stored.secret === undefined) sendRefusal(response, 404, "NotFound");
    else sendJson(response, 200, stored.secret);
  };
}

export const base64 = (text: string) => Buffer.from(text).toString("base64");
export const pem = () =>
  generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
export const secret = (data?: Record<string, string>) =>
  ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "catalyst-operator-key", namespace: "catalyst-system" },
    ...(data === undefined ? {} : { data }),
  }) as SecretObject;
