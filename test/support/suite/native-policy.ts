import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { BUILT_IN_IDENTITIES } from "../../../src/admission/rules/identity.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { type ApiConnection, createApiConnection } from "../../../src/playground/story/api-connection.ts";
import { startTestControlPlane, type TestControlPlane } from "../server/kube-apiserver.ts";

const POLICY_FILE = join(import.meta.dirname, "../../../policies/native/webhook-configuration.yaml");
const GROUP = "/apis/admissionregistration.k8s.io/v1";
const CONFIGURATIONS = `${GROUP}/validatingwebhookconfigurations`;
const DENIAL =
  "webhook-configuration: metadata.name: only the platform may write the webhook configuration catalyst-operator: ask OpenOva to make the change";

const configuration = (name: string, label = "") => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name, labels: { guarded: "yes", label } },
  webhooks: [],
});

/** Tests policies/native, as the chart and the playground install them, on either control plane. */
export function describeNativePolicies(kind: "embedded" | "real"): void {
  describe(`the policy that guards the webhook configuration, on the ${kind} API server`, () => {
    let plane: TestControlPlane;
    let api: ApiConnection;
    /** Status and message of a write by `user`, who has every right of RBAC. */
    const attempt = async (
      user: string,
      groups: string[],
      method: "POST" | "PATCH" | "DELETE",
      path: string,
      body?: object,
    ) => {
      const answer = await api.send({
        method,
        path,
        as: user,
        asGroups: groups,
        ...(body === undefined ? {} : { body }),
        ...(method === "PATCH" ? { contentType: "application/merge-patch+json" } : {}),
      });
      return { status: answer.status, message: String((answer.body as { message?: string }).message ?? "") };
    };
    const stranger = (method: "POST" | "PATCH" | "DELETE", path: string, body?: object) =>
      attempt("omantel-admin", ["system:authenticated", "wide"], method, path, body);

    beforeAll(async () => {
      plane = await startTestControlPlane(kind);
      api = createApiConnection(plane.kubeconfigPath);
      await api.send({
        method: "POST",
        path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        body: {
          apiVersion: "rbac.authorization.k8s.io/v1",
          kind: "ClusterRoleBinding",
          metadata: { name: "wide" },
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
          subjects: [
            { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "wide" },
            { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:serviceaccounts" },
          ],
        },
      });
      await api.send({ method: "POST", path: CONFIGURATIONS, body: configuration("catalyst-operator") });
      for (const document of parseAllDocuments(readFileSync(POLICY_FILE, "utf8"))) {
        const object = document.toJS() as KubernetesObject;
        const plural = object.kind.endsWith("Binding")
          ? "validatingadmissionpolicybindings"
          : "validatingadmissionpolicies";
        const answer = await api.send({ method: "POST", path: `${GROUP}/${plural}`, body: object });
        expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      }
      // A kube-apiserver applies new rights and policies after a short delay.
      const early = { metadata: { labels: { early: "1" } } };
      await vi.waitFor(
        async () =>
          expect(await stranger("PATCH", `${CONFIGURATIONS}/catalyst-operator`, early)).toMatchObject({
            message: expect.stringContaining(DENIAL),
          }),
        { timeout: 20_000 },
      );
    }, 90_000);
    afterAll(async () => {
      await api?.close();
      await plane?.close();
    });

    it.each([
      ["change it", "PATCH", "/catalyst-operator", { webhooks: null }],
      ["delete it", "DELETE", "/catalyst-operator", undefined],
      ["delete it among others", "DELETE", "?labelSelector=guarded%3Dyes", undefined],
    ] as const)("denies others to %s", async (_, method, path, body) => {
      const answer = await stranger(method, `${CONFIGURATIONS}${path}`, body);
      expect(answer.status).toBe(403);
      expect(answer.message).toContain(DENIAL);
      expect((await api.send({ method: "GET", path: `${CONFIGURATIONS}/catalyst-operator` })).status).toBe(
        200,
      );
    });

    it("allows others to create and delete other configurations", async () => {
      expect(await stranger("POST", CONFIGURATIONS, configuration("theirs"))).toMatchObject({ status: 201 });
      expect(await stranger("DELETE", `${CONFIGURATIONS}/theirs`)).toMatchObject({ status: 200 });
    });

    it.each([
      ...BUILT_IN_IDENTITIES.platformGroups.map((group) => ["ops", [group, "wide"]] as const),
      ...BUILT_IN_IDENTITIES.platformNamespaces.map(
        (namespace) => [`system:serviceaccount:${namespace}:any`, ["wide"]] as const,
      ),
    ])("allows the platform to change it: %s of %j", async (user, groups) => {
      const patch = { metadata: { labels: { label: user.replaceAll(":", "-") } } };
      const path = `${CONFIGURATIONS}/catalyst-operator`;
      expect(await attempt(user, [...groups], "PATCH", path, patch)).toMatchObject({ status: 200 });
    });

    it("denies a ServiceAccount of a namespace whose name only begins like the platform's", async () => {
      const path = `${CONFIGURATIONS}/catalyst-operator`;
      const user = "system:serviceaccount:kube-system-not:any";
      expect(await attempt(user, ["wide"], "DELETE", path)).toMatchObject({ status: 403 });
    });

    it("denies others to create it when it is missing", async () => {
      await api.send({ method: "DELETE", path: `${CONFIGURATIONS}/catalyst-operator` });
      const answer = await stranger("POST", CONFIGURATIONS, configuration("catalyst-operator"));
      expect(answer.status).toBe(403);
    });
  });
}
