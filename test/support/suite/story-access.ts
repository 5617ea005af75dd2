import { expect, it } from "vitest";
import type { StoryBench } from "./story-bench.ts";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const POLICY = "catalyst-webhook-configuration";

/** Actions that RBAC refuses to the Franchisee, because admission does not review them. */
export function testFranchiseeAccess(bench: StoryBench): void {
  it.each([
    [
      "read Secrets of the operator",
      "GET",
      "/api/v1/namespaces/catalyst-system/secrets/catalyst-operator-key",
    ],
    ["list Secrets", "GET", "/api/v1/secrets"],
    [
      "delete the policy that guards admission",
      "DELETE",
      `${ADMISSION}/validatingadmissionpolicies/${POLICY}`,
    ],
    [
      "delete the binding of that policy",
      "DELETE",
      `${ADMISSION}/validatingadmissionpolicybindings/${POLICY}`,
    ],
    [
      "delete the webhook configuration",
      "DELETE",
      `${ADMISSION}/validatingwebhookconfigurations/catalyst-operator`,
    ],
    ["delete all webhook configurations", "DELETE", `${ADMISSION}/validatingwebhookconfigurations`],
    [
      "get the operator's token",
      "POST",
      "/api/v1/namespaces/catalyst-system/serviceaccounts/catalyst-operator/token",
    ],
  ] as const)("does not allow the Franchisee to %s", async (_, method, path) => {
    const response = await bench.api.send({
      method,
      path,
      as: "omantel-admin",
      ...(method === "POST" ? { body: {} } : {}),
    });
    expect(response.status, JSON.stringify(response.body)).toBe(403);
  });

  it.each(["impersonate users", "bind clusterroles", "escalate clusterroles"])(
    "does not allow the Franchisee to %s",
    async (permission) => {
      const [verb, resource] = permission.split(" ");
      const group = resource === "users" ? "" : "rbac.authorization.k8s.io";
      const review = { spec: { resourceAttributes: { verb, resource, group } } };
      const response = await bench.api.send({
        method: "POST",
        path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        as: "omantel-admin",
        body: review,
      });
      expect(response.body).toMatchObject({ status: { allowed: false } });
    },
  );
}
