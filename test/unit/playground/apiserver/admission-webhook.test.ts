import { afterEach, describe, expect, it } from "vitest";
import { createAuthorizer } from "../../../../src/playground/apiserver/access/authorization.ts";
import {
  type AdmissionChainDeps,
  createAdmissionChain,
} from "../../../../src/playground/apiserver/admission/chain.ts";
import type { AdmissionRequest } from "../../../../src/playground/apiserver/admission/request.ts";
import type { WebhookSpec } from "../../../../src/playground/apiserver/admission/webhook.ts";
import type { JsonObject } from "../../../../src/playground/apiserver/schema/json-schema.ts";
import { StatusError } from "../../../../src/playground/apiserver/status.ts";
import {
  type Answer,
  startWebhookServer,
  type WebhookServer,
} from "../../../support/server/webhook-server.ts";

const CATCH_ALL = [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"] }];
const ALLOW = { response: { allowed: true } };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function serve(answer: Answer, names?: string[]): Promise<WebhookServer> {
  const server = await startWebhookServer(answer, names);
  closers.push(server.close);
  return server;
}

function webhook(server: WebhookServer, spec: Partial<WebhookSpec> = {}): WebhookSpec {
  return {
    name: "guard.example.com",
    rules: CATCH_ALL,
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
    clientConfig: { url: `${server.url}/review`, caBundle: server.caBundle },
    ...spec,
  };
}

interface Configured {
  validating?: WebhookSpec[];
  mutating?: WebhookSpec[];
  deps?: Partial<AdmissionChainDeps>;
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

function creation(change: Partial<AdmissionRequest> = {}): AdmissionRequest {
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

async function refusal(outcome: Promise<unknown>): Promise<JsonObject> {
  const error = await outcome.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StatusError)) throw new Error(`expected a refusal, got ${error}`);
  return error.toStatus();
}

describe("a validating webhook", () => {
  it("gets the review that Kubernetes sends", async () => {
    const server = await serve(() => ALLOW);
    await chainOf({ validating: [webhook(server)] }).validate(creation());
    const [review] = server.received;
    expect(review).toEqual({
      kind: "AdmissionReview",
      apiVersion: "admission.k8s.io/v1",
      request: {
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        kind: { group: "apps", version: "v1", kind: "Deployment" },
        resource: { group: "apps", version: "v1", resource: "deployments" },
        requestKind: { group: "apps", version: "v1", kind: "Deployment" },
        requestResource: { group: "apps", version: "v1", resource: "deployments" },
        name: "web",
        namespace: "tenant",
        operation: "CREATE",
        userInfo: { username: "alice", uid: "7", groups: ["dev"], extra: { scope: ["x"] } },
        object: creation().object,
        oldObject: null,
        dryRun: false,
        options: creation().options,
      },
    });
  });

  it.each([
    [
      { message: "no" },
      { code: 400, message: 'admission webhook "guard.example.com" denied the request: no' },
    ],
    [
      { message: "no", code: 403, reason: "Forbidden" },
      {
        code: 403,
        reason: "Forbidden",
        message: 'admission webhook "guard.example.com" denied the request: no',
      },
    ],
    [
      { reason: "Invalid", code: 422 },
      {
        code: 422,
        reason: "Invalid",
        message: 'admission webhook "guard.example.com" denied the request: Invalid',
      },
    ],
    [
      undefined,
      { code: 400, message: 'admission webhook "guard.example.com" denied the request without explanation' },
    ],
  ])("denies with the webhook's message: %o", async (status, expected) => {
    const server = await serve(() => ({ response: { allowed: false, ...(status ? { status } : {}) } }));
    const status_ = await refusal(chainOf({ validating: [webhook(server)] }).validate(creation()));
    expect(status_).toMatchObject({ ...expected, status: "Failure" });
    expect("reason" in status_).toBe("reason" in expected);
  });

  it("passes its warnings on, and keeps its connection", async () => {
    const server = await serve(() => ({
      response: { allowed: true, warnings: ["old"], auditAnnotations: { rule: "r" } },
    }));
    const chain = chainOf({ validating: [webhook(server)] });
    expect(await chain.validate(creation())).toEqual({
      warnings: ["old"],
      auditAnnotations: { "guard.example.com/rule": "r" },
    });
    for (let call = 0; call < 10; call++) await chain.validate(creation());
    // One, or a second where the first was not yet free again.
    expect(server.connections()).toBeLessThan(3);
  });

  it("is asked at the same time as the others", async () => {
    let waiting = 0;
    const all = Promise.withResolvers<void>();
    // Nobody is answered before all have been asked.
    const server = await serve(async () => {
      waiting += 1;
      if (waiting === 3) all.resolve();
      await all.promise;
      return ALLOW;
    });
    const hooks = ["a", "b", "c"].map((name) => webhook(server, { name: `${name}.example.com` }));
    await chainOf({ validating: hooks }).validate(creation());
    expect(waiting).toBe(3);
  });

  it.each<[string, Partial<WebhookSpec>, Partial<AdmissionRequest>, boolean]>([
    ["another group", { rules: [{ ...CATCH_ALL[0], apiGroups: ["batch"] }] }, {}, false],
    ["another operation", { rules: [{ ...CATCH_ALL[0], operations: ["DELETE"] }] }, {}, false],
    ["a subresource by *", {}, { subresource: "status" }, false],
    [
      "a subresource by */*",
      { rules: [{ ...CATCH_ALL[0], resources: ["*/*"] }] },
      { subresource: "status" },
      true,
    ],
    [
      "a subresource by name",
      { rules: [{ ...CATCH_ALL[0], resources: ["deployments/status"] }] },
      { subresource: "status" },
      true,
    ],
    ["cluster scope", { rules: [{ ...CATCH_ALL[0], scope: "Cluster" }] }, {}, false],
    ["its namespace's labels", { namespaceSelector: { matchLabels: { team: "a" } } }, {}, true],
    ["other namespace labels", { namespaceSelector: { matchLabels: { team: "b" } } }, {}, false],
    ["the object's labels", { objectSelector: { matchLabels: { app: "x" } } }, {}, false],
    [
      "the old object's labels",
      { objectSelector: { matchLabels: { app: "x" } } },
      { operation: "UPDATE", oldObject: { metadata: { labels: { app: "x" } } } },
      true,
    ],
    [
      "a condition that holds",
      { matchConditions: [{ name: "a", expression: "request.name == 'web'" }] },
      {},
      true,
    ],
    [
      "a condition that does not hold",
      { matchConditions: [{ name: "a", expression: "!('dev' in request.userInfo.groups)" }] },
      {},
      false,
    ],
    [
      "one false condition beside a failing one",
      {
        matchConditions: [
          { name: "a", expression: "object.nothing == 1" },
          { name: "b", expression: "false" },
        ],
      },
      {},
      false,
    ],
    [
      "a failing condition, ignored",
      { failurePolicy: "Ignore", matchConditions: [{ name: "a", expression: "object.nothing == 1" }] },
      {},
      false,
    ],
    [
      "its own configuration",
      {},
      {
        kind: {
          group: "admissionregistration.k8s.io",
          version: "v1",
          kind: "ValidatingWebhookConfiguration",
        },
        resource: {
          group: "admissionregistration.k8s.io",
          version: "v1",
          resource: "validatingwebhookconfigurations",
        },
        namespace: "",
      },
      false,
    ],
  ])("is asked or not by %s", async (_, spec, change, expected) => {
    const server = await serve(() => ALLOW);
    await chainOf({ validating: [webhook(server, spec)] }).validate(creation(change));
    expect(server.received).toHaveLength(expected ? 1 : 0);
  });

  it("refuses when a condition fails and the policy is Fail", async () => {
    const server = await serve(() => ALLOW);
    const spec = { matchConditions: [{ name: "a", expression: "object.nothing == 1" }] };
    expect(
      await refusal(chainOf({ validating: [webhook(server, spec)] }).validate(creation())),
    ).toMatchObject({
      code: 403,
      message:
        "deployments.apps \"web\" is forbidden: expression 'object.nothing == 1' resulted in error: no such key: nothing",
    });
    expect(server.received).toHaveLength(0);
  });

  it("refuses with 404 when the namespace whose labels it needs does not exist", async () => {
    const server = await serve(() => ALLOW);
    const hook = webhook(server, { namespaceSelector: { matchLabels: { team: "a" } } });
    expect(
      await refusal(chainOf({ validating: [hook] }).validate(creation({ namespace: "gone" }))),
    ).toMatchObject({ code: 404, message: 'namespaces "gone" not found' });
  });

  it("sees a Namespace by the labels it is about to have, and by its own name", async () => {
    const server = await serve(() => ALLOW);
    const hook = webhook(server, { namespaceSelector: { matchLabels: { team: "z" } } });
    const request = creation({
      kind: { group: "", version: "v1", kind: "Namespace" },
      resource: { group: "", version: "v1", resource: "namespaces" },
      name: "fresh",
      namespace: "",
      object: { metadata: { name: "fresh", labels: { team: "z" } } },
    });
    await chainOf({ validating: [hook] }).validate(request);
    expect(server.received[0]?.request).toMatchObject({ name: "fresh", namespace: "fresh" });
  });

  it("is refused a dry run when it has side effects", async () => {
    const server = await serve(() => ALLOW);
    const hook = webhook(server, { sideEffects: "Some" });
    expect(await refusal(chainOf({ validating: [hook] }).validate(creation({ dryRun: true })))).toMatchObject(
      {
        code: 400,
        reason: "BadRequest",
        message: 'admission webhook "guard.example.com" does not support dry run',
      },
    );
  });

  it("is asked in the version of its rule when that is equivalent", async () => {
    const server = await serve(() => ALLOW);
    const chain = chainOf({
      validating: [webhook(server, { rules: [{ ...CATCH_ALL[0], apiVersions: ["v2"] }] })],
      deps: { equivalents: (resource) => [{ ...resource, version: "v2" }] },
    });
    await chain.validate(creation());
    expect(server.received[0]?.request).toMatchObject({
      kind: { version: "v2" },
      requestKind: { version: "v1" },
      object: { apiVersion: "apps/v2" },
    });
  });
});

describe("a webhook that fails", () => {
  const failing: [string, Answer, RegExp][] = [
    [
      "with a server error",
      () => ({ status: 500, body: "boom" }),
      /failed to call webhook: an error on the server \("boom"\) has prevented the request from succeeding$/,
    ],
    [
      "with another uid",
      () => ({ response: { uid: "x", allowed: true } }),
      /received invalid webhook response: expected response\.uid="[0-9a-f-]+", got "x"$/,
    ],
    [
      "with a patch where none may be",
      () => ({ response: { allowed: true, patch: "W10=", patchType: "JSONPatch" } }),
      /received invalid webhook response: validating webhook may not return response\.patch$/,
    ],
  ];

  it.each(failing)("refuses %s", async (_, answer, expected) => {
    const server = await serve(answer);
    const status = await refusal(chainOf({ validating: [webhook(server)] }).validate(creation()));
    expect(status).toMatchObject({ code: 500, reason: "InternalError" });
    expect(status.message).toMatch(
      /^Internal error occurred: failed calling webhook "guard\.example\.com": /,
    );
    expect(status.message).toMatch(expected);
  });

  it.each(failing)("is passed over %s when ignored, and said", async (_, answer) => {
    const server = await serve(answer);
    const ignored: string[] = [];
    const chain = chainOf({
      validating: [webhook(server, { failurePolicy: "Ignore" })],
      deps: { onIgnoredFailure: (name) => ignored.push(name) },
    });
    expect(await chain.validate(creation())).toEqual({ warnings: [], auditAnnotations: {} });
    expect(ignored).toEqual(["guard.example.com"]);
  });

  it("refuses when it takes longer than its timeout", async () => {
    const server = await serve(() => new Promise((resolve) => setTimeout(() => resolve(ALLOW), 3_000)));
    const chain = chainOf({ validating: [webhook(server, { timeoutSeconds: 1 })] });
    const status = await refusal(chain.validate(creation()));
    expect(status.message).toMatch(
      /Post "https:\/\/127\.0\.0\.1:\d+\/review\?timeout=1s": context deadline exceeded$/,
    );
  });

  it("refuses a certificate of another authority", async () => {
    const server = await serve(() => ALLOW);
    const other = await serve(() => ALLOW);
    const hook = webhook(server, { clientConfig: { url: server.url, caBundle: other.caBundle } });
    const status = await refusal(chainOf({ validating: [hook] }).validate(creation()));
    expect(status.message).toMatch(
      /tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
    );
  });

  it("reaches a service under its name, and refuses a certificate of another name", async () => {
    const server = await serve(() => ALLOW, ["guard.system.svc"]);
    const service = (name: string) =>
      webhook(server, {
        clientConfig: { service: { name, namespace: "system", path: "/x" }, caBundle: server.caBundle },
      });
    const deps: Partial<AdmissionChainDeps> = {
      resolveService: ({ name, port }) =>
        name === "gone" || port !== 443 ? undefined : { host: "127.0.0.1", port: server.port },
    };
    await chainOf({ validating: [service("guard")], deps }).validate(creation());
    expect(server.received).toHaveLength(1);
    const misnamed = await refusal(chainOf({ validating: [service("other")], deps }).validate(creation()));
    expect(misnamed.message).toMatch(
      /Post "https:\/\/other\.system\.svc:443\/x\?timeout=10s": tls: failed to verify/,
    );
    const gone = await refusal(chainOf({ validating: [service("gone")], deps }).validate(creation()));
    expect(gone.message).toMatch(/no endpoints available for service "gone"$/);
  });
});

describe("a mutating webhook", () => {
  const adding = (name: string, value: unknown) =>
    Buffer.from(JSON.stringify([{ op: "add", path: `/spec/${name}`, value }])).toString("base64");
  const patch = (name: string, value: unknown) => ({
    response: { allowed: true, patchType: "JSONPatch", patch: adding(name, value) },
  });

  it("changes the object, which the next one sees", async () => {
    const server = await serve((request, path) =>
      path.startsWith("/first")
        ? patch("first", true)
        : patch("saw", (request.object as { spec: JsonObject }).spec.first),
    );
    const at = (path: string) => ({ url: `${server.url}${path}`, caBundle: server.caBundle });
    const chain = chainOf({
      mutating: [
        webhook(server, { clientConfig: at("/first") }),
        webhook(server, { clientConfig: at("/second") }),
      ],
    });
    const { object } = await chain.mutate(creation());
    expect(object?.spec).toEqual({ first: true, saw: true });
  });

  it("is called again when a later webhook changed the object and its reinvocationPolicy is IfNeeded", async () => {
    const calls: string[] = [];
    const server = await serve((_, path) => {
      calls.push(path.replace(/\?.*/, ""));
      return path.startsWith("/b") ? patch("b", 1) : ALLOW;
    });
    const hook = (path: string, reinvocationPolicy: "Never" | "IfNeeded") =>
      webhook(server, {
        reinvocationPolicy,
        clientConfig: { url: `${server.url}${path}`, caBundle: server.caBundle },
      });
    await chainOf({
      mutating: [
        hook("/a", "IfNeeded"),
        hook("/never", "Never"),
        hook("/b", "IfNeeded"),
        hook("/c", "IfNeeded"),
      ],
    }).mutate(creation());
    expect(calls).toEqual(["/a", "/never", "/b", "/c", "/a"]);
  });

  it("refuses a webhook's patch of an object that is being deleted", async () => {
    const server = await serve(() => patch("a", 1));
    const request = creation({ operation: "DELETE", object: null, oldObject: creation().object });
    expect(await refusal(chainOf({ mutating: [webhook(server)] }).mutate(request))).toMatchObject({
      code: 500,
      message:
        'Internal error occurred: admission webhook "guard.example.com" attempted to modify the object, which is not supported for this operation',
    });
  });

  it.each([
    [{ patch: "W10=" }, "webhook returned response.patch but not response.patchType"],
    [{ patchType: "JSONPatch" }, "webhook returned response.patchType but not response.patch"],
    [{ patch: "W10=", patchType: "Merge" }, 'webhook returned invalid response.patchType of "Merge"'],
    [{ patch: "bm8=", patchType: "JSONPatch" }, "received undecodable patch in webhook response"],
  ])("is refused the answer %o", async (answer, expected) => {
    const server = await serve(() => ({ response: { allowed: true, ...answer } }));
    const status = await refusal(chainOf({ mutating: [webhook(server)] }).mutate(creation()));
    expect(status.message).toBe(
      `Internal error occurred: failed calling webhook "guard.example.com": received invalid webhook response: ${expected}`,
    );
  });

  it("comes before the object's validation, and validating webhooks after it", async () => {
    const order: string[] = [];
    const server = await serve((_, path) => {
      order.push(path.startsWith("/m") ? "mutating" : "validating");
      return path.startsWith("/m") ? patch("a", 1) : ALLOW;
    });
    const chain = chainOf({
      mutating: [webhook(server, { clientConfig: { url: `${server.url}/m`, caBundle: server.caBundle } })],
      validating: [webhook(server)],
    });
    const { object } = await chain.admit(creation(), () => order.push("object"));
    expect(order).toEqual(["mutating", "object", "validating"]);
    expect(object?.spec).toEqual({ a: 1 });
  });
});
