import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap, deployment } from "../../../support/builder/api-object.ts";
import { MERGE, sendTo } from "../../../support/server/api-request.ts";
import { plainAgent, startTestApiServer, type TestApiServer } from "../../../support/server/apiserver.ts";
import { startWebhookServer, type WebhookServer } from "../../../support/server/webhook-server.ts";
import { eventually } from "../../../support/wait.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const WEBHOOKS = "/apis/admissionregistration.k8s.io/v1";

let api: TestApiServer;
const agents: ReturnType<typeof plainAgent>[] = [];
beforeAll(async () => {
  api = await startTestApiServer();
});
afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.destroy()));
  await api.dispose();
});

function anonymous(method: string, path: string, token?: string, body?: unknown) {
  const agent = plainAgent(api.server);
  agents.push(agent);
  return sendTo(api.server, agent, method, path, {
    ...(body === undefined ? {} : { body }),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
}

async function allow(account: string, rules: object[]) {
  await api.must("POST", "/api/v1/namespaces/default/serviceaccounts", {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: account },
  });
  await api.must("POST", `${RBAC}/namespaces/default/roles`, { metadata: { name: account }, rules });
  await api.must("POST", `${RBAC}/namespaces/default/rolebindings`, {
    metadata: { name: account },
    roleRef: { kind: "Role", name: account, apiGroup: "rbac.authorization.k8s.io" },
    subjects: [{ kind: "ServiceAccount", name: account, namespace: "default" }],
  });
}

describe("access", () => {
  it("shows only health and version to unauthenticated clients", async () => {
    expect((await anonymous("GET", "/readyz")).status).toBe(200);
    expect((await anonymous("GET", "/version")).status).toBe(200);
    const { status, body } = await anonymous("GET", CONFIG_MAPS);
    expect([status, body.message]).toEqual([
      403,
      'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
    ]);
    expect((await anonymous("GET", "/readyz", "not-a-token")).status).toBe(401);
  });

  it("gives a service account the rights of its roles at once, until the account is deleted", async () => {
    await allow("reader", [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] }]);
    const request = await api.must("POST", "/api/v1/namespaces/default/serviceaccounts/reader/token", {
      spec: { expirationSeconds: 600 },
    });
    const { token } = request.status;
    expect((await anonymous("GET", CONFIG_MAPS, token)).status).toBe(200);
    expect((await anonymous("POST", CONFIG_MAPS, token, configMap("x"))).status).toBe(403);
    expect((await anonymous("GET", "/api/v1/namespaces/kube-system/configmaps", token)).status).toBe(403);
    await api.must("DELETE", "/api/v1/namespaces/default/serviceaccounts/reader");
    expect((await anonymous("GET", CONFIG_MAPS, token)).status).toBe(401);
  });

  it("acts as another user for a user who may impersonate", async () => {
    const as = (user: string) => api.send("GET", CONFIG_MAPS, { headers: { "impersonate-user": user } });
    expect((await as("nobody")).status).toBe(403);
    const group = { "impersonate-user": "boss", "impersonate-group": "system:masters" };
    expect((await api.send("GET", CONFIG_MAPS, { headers: group })).status).toBe(200);
    const token = await api.server.mintServiceAccountToken("default", "default");
    const agent = plainAgent(api.server);
    agents.push(agent);
    const headers = {
      authorization: `Bearer ${token}`,
      "impersonate-user": "boss",
      "impersonate-group": "system:masters",
    };
    expect((await sendTo(api.server, agent, "GET", CONFIG_MAPS, { headers })).status).toBe(403);
  });

  it("lets a user grant only rights that the user has", async () => {
    await allow("clerk", [
      {
        apiGroups: ["rbac.authorization.k8s.io"],
        resources: ["roles", "rolebindings"],
        verbs: ["create", "update"],
      },
    ]);
    const token = await api.server.mintServiceAccountToken("default", "clerk");
    const rules = [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }];
    const { status, body } = await anonymous("POST", `${RBAC}/namespaces/default/roles`, token, {
      metadata: { name: "more" },
      rules,
    });
    expect(status).toBe(403);
    expect(body.message).toContain("is attempting to grant RBAC permissions not currently held");
  });

  it("answers a SubjectAccessReview", async () => {
    const asked = {
      spec: {
        user: "nobody",
        resourceAttributes: { verb: "list", resource: "secrets", namespace: "default" },
      },
    };
    const review = await api.must("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", asked);
    expect(review).toMatchObject({ kind: "SubjectAccessReview", status: { allowed: false } });
  });

  it("answers a review of the rights of a ServiceAccount's kubeconfig", async () => {
    const text = await api.server.serviceAccountKubeconfig("kube-system", "default");
    expect(text).toContain(`server: ${api.server.url}`);
    await expect(api.server.mintServiceAccountToken("default", "none")).rejects.toMatchObject({ code: 404 });
  });
});

describe("admission webhooks", () => {
  let webhook: WebhookServer;
  const rule = (resources: string[], operations = ["CREATE", "UPDATE", "DELETE"]) => [
    { apiGroups: ["*"], apiVersions: ["*"], resources, operations },
  ];
  const configuration = (kind: string, name: string, path: string, extra: object = {}) => ({
    kind,
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.org`,
        clientConfig: { url: `https://127.0.0.1:${webhook.port}${path}`, caBundle: webhook.caBundle },
        rules: rule(["configmaps"]),
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "judged" } },
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        ...extra,
      },
    ],
  });

  beforeAll(async () => {
    webhook = await startWebhookServer((request, path) => {
      if (path.startsWith("/mutate")) {
        const patch = Buffer.from(
          JSON.stringify([{ op: "add", path: "/metadata/labels", value: { seen: "yes" } }]),
        ).toString("base64");
        return { response: { uid: request.uid, allowed: true, patchType: "JSONPatch", patch } };
      }
      const object = (request.object ?? request.oldObject) as { data?: { forbidden?: string } };
      const allowed = object.data?.forbidden === undefined;
      return {
        response: {
          uid: request.uid,
          allowed,
          ...(allowed
            ? { warnings: ["looked at"] }
            : { status: { code: 403, message: "data.forbidden: take it out" } }),
        },
      };
    });
    await api.must("POST", "/api/v1/namespaces", { metadata: { name: "judged" } });
    await eventually(async () =>
      expect((await api.send("GET", "/api/v1/namespaces/judged/configmaps/kube-root-ca.crt")).status).toBe(
        200,
      ),
    );
    await api.must(
      "POST",
      `${WEBHOOKS}/mutatingwebhookconfigurations`,
      configuration("MutatingWebhookConfiguration", "marks", "/mutate"),
    );
    await api.must(
      "POST",
      `${WEBHOOKS}/validatingwebhookconfigurations`,
      configuration("ValidatingWebhookConfiguration", "judges", "/validate"),
    );
  });
  afterAll(async () => {
    await api.send("DELETE", `${WEBHOOKS}/validatingwebhookconfigurations/judges`);
    await webhook.close();
  });

  it("calls mutating webhooks, then validating ones, and returns their warnings", async () => {
    const { status, body, headers } = await api.send("POST", "/api/v1/namespaces/judged/configmaps", {
      body: configMap("good"),
    });
    expect([status, body.metadata.labels, headers.warning]).toEqual([
      201,
      { seen: "yes" },
      '299 - "looked at"',
    ]);
    const { request } = webhook.received.at(-1) as { request: Record<string, unknown> };
    expect(request).toMatchObject({
      operation: "CREATE",
      name: "good",
      namespace: "judged",
      object: { metadata: { labels: { seen: "yes" } } },
    });
  });

  it("denies with the webhook's message for every verb, and writes nothing", async () => {
    const path = "/api/v1/namespaces/judged/configmaps";
    const denied = await api.send("POST", path, { body: configMap("bad", { forbidden: "1" }) });
    expect(denied.body).toMatchObject({
      code: 403,
      message: 'admission webhook "judges.example.org" denied the request: data.forbidden: take it out',
    });
    const patched = await api.send("PATCH", `${path}/good`, {
      body: { data: { forbidden: "1" } },
      contentType: MERGE,
    });
    expect(patched.status).toBe(403);
    const applied = await api.apply(`${path}/good`, "one", configMap("good", { forbidden: "1" }));
    expect(applied.status).toBe(403);
    expect((await api.must("GET", `${path}/good`)).data).toBeUndefined();
    expect((await api.send("GET", `${path}/bad`)).status).toBe(404);
  });

  it("does not call a webhook for a namespace that its selector excludes", async () => {
    const before = webhook.received.length;
    await api.must("POST", CONFIG_MAPS, configMap("unseen", { forbidden: "1" }));
    expect(webhook.received.length).toBe(before);
  });

  it("denies while a webhook is unreachable and its failurePolicy is Fail, and still enforces policies", async () => {
    await api.must("POST", `${WEBHOOKS}/validatingwebhookconfigurations`, {
      ...configuration("ValidatingWebhookConfiguration", "away", "/validate", {
        clientConfig: { url: "https://127.0.0.1:9/validate", caBundle: webhook.caBundle },
        rules: rule(["deployments"]),
      }),
    });
    const path = "/apis/apps/v1/namespaces/judged/deployments";
    const closed = await api.send("POST", path, { body: deployment("web") });
    expect([closed.status, closed.body.message]).toEqual([
      500,
      expect.stringContaining('failed calling webhook "away.example.org"'),
    ]);
    await api.must("DELETE", `${WEBHOOKS}/validatingwebhookconfigurations/away`);

    await api.must("POST", `${WEBHOOKS}/validatingadmissionpolicies`, {
      metadata: { name: "small" },
      spec: {
        matchConstraints: { resourceRules: rule(["deployments"], ["CREATE", "UPDATE"]) },
        validations: [{ expression: "object.spec.replicas <= 3", message: "at most three replicas" }],
      },
    });
    await api.must("POST", `${WEBHOOKS}/validatingadmissionpolicybindings`, {
      metadata: { name: "small" },
      spec: { policyName: "small", validationActions: ["Deny"] },
    });
    const large = await api.send("POST", path, { body: deployment("web", 4) });
    expect([large.status, large.body.message]).toEqual([
      422,
      expect.stringContaining("at most three replicas"),
    ]);
    expect((await api.send("POST", path, { body: deployment("web", 3) })).status).toBe(201);
  });
});
