import { afterEach } from "vitest";
import { createAuthorizer } from "../../../src/playground/apiserver/access/authorization.ts";
import {
  type AdmissionChainDeps,
  createAdmissionChain,
} from "../../../src/playground/apiserver/admission/chain.ts";
import type { AdmissionRequest } from "../../../src/playground/apiserver/admission/request.ts";
import type { WebhookSpec } from "../../../src/playground/apiserver/admission/webhook.ts";
import type { JsonObject } from "../../../src/playground/apiserver/object.ts";
import { StatusError } from "../../../src/playground/apiserver/status.ts";
import { type Answer, startWebhookServer, type WebhookServer } from "./webhook-server.ts";

export const CATCH_ALL = [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"] }];
export const ALLOW = { response: { allowed: true } };

interface Configured {
  validating?: WebhookSpec[];
  mutating?: WebhookSpec[];
  deps?: Partial<AdmissionChainDeps>;
}

interface AdmissionWebhooks {
  /** Starts a webhook whose certificate bears `names`. */
  serve(answer: Answer, names?: string[]): Promise<WebhookServer>;
  chainOf(configured: Configured): ReturnType<typeof createAdmissionChain>;
}

/** Admission chains and the webhooks that they call. All are closed after the test. */
export function useAdmissionWebhooks(): AdmissionWebhooks {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function serve(answer: Answer, names?: string[]): Promise<WebhookServer> {
    const server = await startWebhookServer(answer, names);
    closers.push(server.close);
    return server;
  }

  function chainOf({ validating = [], mutating = [], deps = {} }: Configured) {
    const stored: Record<string, unknown[]> = {
      validatingwebhookconfigurations: [
        { metadata: { name: "v", resourceVersion: "1" }, webhooks: validating },
      ],
      mutatingwebhookconfigurations: [{ metadata: { name: "m", resourceVersion: "1" }, webhooks: mutating }],
    };
    const chain = createAdmissionChain({
      list: (resource) => stored[resource] ?? [],
      version: () => 1,
      authorizer: createAuthorizer({ list: () => [], version: () => 1 }),
      namespace: (name) => (name === "tenant" ? { metadata: { name, labels: { team: "a" } } } : undefined),
      resolveService: () => undefined,
      applyJsonPatch(object, operations) {
        const copy = structuredClone(object);
        for (const operation of operations) {
          const [, parent = "", name = ""] = /^\/(.+)\/([^/]+)$/.exec(String(operation.path)) ?? [];
          (copy[parent] as JsonObject)[name] = operation.value;
        }
        return copy;
      },
      ...deps,
    });
    closers.push(chain.close);
    return chain;
  }
  return { serve, chainOf };
}

export function webhook(server: WebhookServer, spec: Partial<WebhookSpec> = {}): WebhookSpec {
  return {
    name: "guard.example.com",
    rules: CATCH_ALL,
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    clientConfig: { url: `${server.url}/review`, caBundle: server.caBundle },
    ...spec,
  };
}

export function creation(change: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    operation: "CREATE",
    kind: { group: "apps", version: "v1", kind: "Deployment" },
    resource: { group: "apps", version: "v1", resource: "deployments" },
    subresource: "",
    name: "web",
    namespace: "tenant",
    user: { username: "alice", uid: "7", groups: ["dev"], extra: { scope: ["x"] } },
    object: { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", labels: {} }, spec: {} },
    oldObject: null,
    options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1", fieldManager: "kubectl" },
    dryRun: false,
    ...change,
  };
}

export async function refusal(outcome: Promise<unknown>): Promise<JsonObject> {
  const error = await outcome.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StatusError)) throw new Error(`expected a refusal, got ${error}`);
  return error.toStatus();
}
