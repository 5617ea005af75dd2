import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, request } from "undici";
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { findCondition } from "../../../src/api/condition.ts";
import type { SecretObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { messageOf } from "../../../src/playground/story/api-connection.ts";
import { eventually } from "../wait.ts";
import { type AuditedRequest, compareRights } from "./access/used-right.ts";
import type { StoryBench } from "./story-bench.ts";

const FILES = join(import.meta.dirname, "../../../charts/catalyst-operator/files");
const RBAC = "rbac.authorization.k8s.io";

/** Reviews for which the webhook reads the API server. The embedded one connects to no Pods, so the test sends the review. */
const REVIEWS: readonly {
  rule: string;
  operation: string;
  resource: object;
  name: string;
  subResource?: string;
  object?: object;
}[] = [
  ...["ClusterRole", "Role"].map((kind) => ({
    rule: "rbac-escalation",
    operation: "CREATE",
    resource: { group: RBAC, version: "v1", resource: "rolebindings" },
    name: "mine",
    object: {
      roleRef: { apiGroup: RBAC, kind, name: kind === "Role" ? "missing" : "edit" },
      subjects: [{ kind: "User", name: "mallory" }],
    },
  })),
  {
    rule: "service-account-identity",
    operation: "CONNECT",
    resource: { group: "", version: "v1", resource: "pods" },
    ...{ name: "missing", subResource: "exec" },
  },
];

/** Makes the operator use the rights that the story does not need. */
function testRareRequests(bench: StoryBench): void {
  it("reads roles and Pods for the reviews that depend on them", async () => {
    const admin = bench.cluster.asAdmin();
    await admin.mustApply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "ci" } });
    await admin.mustApply({
      ...{ apiVersion: "catalyst.openova.io/v1alpha1", kind: "Organization", metadata: { name: "builders" } },
      spec: {
        ...{ displayName: "Builders", owner: "amal", sovereign: "omantel" },
        members: [{ kind: "ServiceAccount", name: "robot", namespace: "ci" }],
      },
    } as never);
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
    const url = `https://${await bench.operatorAddress()}:9443/admit`;
    const rulesOf = async (review: object): Promise<string[]> => {
      const user = { username: "mallory", groups: [] };
      const { body } = await request(url, {
        ...{ method: "POST", dispatcher },
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ request: { uid: "1", namespace: "ci", userInfo: user, ...review } }),
      });
      const { response } = (await body.json()) as {
        response: { status?: { details?: { causes?: { reason: string }[] } } };
      };
      return (response.status?.details?.causes ?? []).map(({ reason }) => reason);
    };
    try {
      for (const { rule, ...review } of REVIEWS)
        await eventually(async () => expect(await rulesOf(review)).toContain(rule));
    } finally {
      await dispatcher.close();
    }
  });

  it("restores an Ingress and the content of an Organization's home that were deleted", async () => {
    const uidOf = async (path: string) => {
      const { body } = await bench.api.send({ method: "GET", path });
      return (body as { metadata?: { uid?: string } }).metadata?.uid;
    };
    for (const path of [
      "/apis/networking.k8s.io/v1/namespaces/sovereign-catalyst-zero/ingresses/billing",
      `/apis/${RBAC}/v1/namespaces/org-builders/rolebindings/organization-members`,
      "/api/v1/namespaces/org-builders/resourcequotas/organization",
      "/api/v1/namespaces/org-builders/limitranges/organization",
      "/apis/networking.k8s.io/v1/namespaces/org-builders/networkpolicies/organization",
    ]) {
      await eventually(async () => expect(await uidOf(path)).toEqual(expect.any(String)));
      const deleted = await uidOf(path);
      await bench.api.send({ method: "DELETE", path });
      await eventually(async () => expect(![undefined, deleted].includes(await uidOf(path))).toBe(true));
    }
  });

  it("says in Migrated why a policy refuses the Pod of a migration, and migrates when the policy is gone", async () => {
    const admin = bench.cluster.asAdmin();
    const namespace = "sovereign-omantel";
    const admission = { apiVersion: "admissionregistration.k8s.io/v1", metadata: { name: "no-migrations" } };
    await admin.mustApply({
      ...{ ...admission, kind: "ValidatingAdmissionPolicy" },
      spec: {
        matchConstraints: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          resourceRules: [
            { apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] },
          ],
        },
        validations: [
          {
            expression: "object.metadata.labels['app.kubernetes.io/name'] != 'billing-migrate'",
            message: "migrations are for the night",
          },
        ],
      },
    } as never);
    await admin.mustApply({
      ...{ ...admission, kind: "ValidatingAdmissionPolicyBinding" },
      spec: { policyName: "no-migrations", validationActions: ["Deny"] },
    } as never);
    const deployment = await bench.cluster.mustGet<{ spec: { template: { spec: object } } }>({
      ...{ kind: "Deployment", name: "billing", namespace },
    });
    const probe = {
      ...{ apiVersion: "v1", kind: "Pod", spec: deployment.spec.template.spec },
      metadata: { name: "probe", namespace, labels: { "app.kubernetes.io/name": "billing-migrate" } },
    };
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    // The API server enforces a new policy about a second later. The Pod of the migration must not come before.
    await eventually(async () =>
      expect(messageOf(await bench.api.send({ method: "POST", path, body: probe }))).toContain(
        "migrations are for the night",
      ),
    );
    const secret = { kind: "Secret", name: "billing-db", namespace } as const;
    const { data, type } = (await bench.cluster.waitUntil(secret, "is there", () => true)) as SecretObject & {
      type: string;
    };
    // A Secret that is created again may name another database, so the Job runs again.
    await admin.remove(secret);
    const metadata = { name: secret.name, namespace };
    await admin.mustApply({ apiVersion: "v1", kind: "Secret", metadata, data, type } as never);
    const sovereign = { kind: "Sovereign", name: "omantel" } as const;
    const migrated = (object: unknown) => findCondition((object as Sovereign).status?.conditions, "Migrated");
    await bench.cluster.waitUntil(
      sovereign,
      "says why its migration has no Pod",
      (object) => migrated(object)?.message.includes("migrations are for the night") === true,
    );
    await admin.remove({ kind: "ValidatingAdmissionPolicyBinding", name: "no-migrations" });
    await admin.remove({ kind: "ValidatingAdmissionPolicy", name: "no-migrations" });
    await bench.cluster.waitUntil(sovereign, "is migrated", (object) => migrated(object)?.status === "True");
  });

  it("gives a Franchisee its rights, and removes them when the term ends", async () => {
    const admin = bench.cluster.asAdmin();
    const franchise = { kind: "Franchise", name: "guest" } as const;
    await admin.mustApply({
      ...{ apiVersion: "catalyst.openova.io/v1alpha1", kind: "Franchise", metadata: { name: "guest" } },
      spec: {
        franchisee: { legalName: "Guest", contactEmail: "cloud@guest.example" },
        subjects: [{ kind: "User", name: "guest-admin" }],
        grants: { privateBlueprints: { max: 1 } },
        term: { start: "2020-01-01T00:00:00Z" },
      },
    } as never);
    const paths = ["clusterroles", "clusterrolebindings", "namespaces/catalog-sovereign/rolebindings"].map(
      (resource) => `/apis/${RBAC}/v1/${resource}/catalyst-franchisee-guest`,
    );
    const statuses = () =>
      Promise.all(paths.map((path) => bench.api.send({ method: "GET", path }).then(({ status }) => status)));
    await eventually(async () => expect(await statuses()).toEqual([200, 200, 200]));
    await admin.mergePatch(franchise, { spec: { term: { end: "2021-01-01T00:00:00Z" } } });
    await eventually(async () => expect(await statuses()).toEqual([404, 404, 404]));
    await admin.remove(franchise);
  });

  it("removes an Ingress, restores a policy's binding, and replaces a broken certificate", async () => {
    const admin = bench.cluster.asAdmin();
    const ingress = "/apis/networking.k8s.io/v1/namespaces/sovereign-catalyst-zero/ingresses/billing";
    const statusOf = () => bench.api.send({ method: "GET", path: ingress }).then(({ status }) => status);
    expect(await statusOf()).toBe(200);
    await admin.mergePatch(
      { kind: "Sovereign", name: "catalyst-zero" },
      { spec: { billing: { ingress: null } } },
    );
    await eventually(async () => expect(await statusOf()).toBe(404));

    const binding = { kind: "ValidatingAdmissionPolicyBinding", name: "catalyst-api-service" } as const;
    await admin.remove(binding);
    await bench.cluster.waitUntil(binding, "is there again", () => true);

    const secret = {
      ...({ kind: "Secret", name: "catalyst-operator-webhook-tls" } as const),
      namespace: "catalyst-system",
    };
    const broken = Buffer.from("broken").toString("base64");
    await admin.mergePatch(secret, { data: { "tls.crt": broken } });
    await bench.cluster.waitUntil(
      secret,
      "has a certificate again",
      (object) => (object as SecretObject).data?.["tls.crt"] !== broken,
    );
  });
}

/** The playground has no Flux and no PolicyReports, so the operator does not use all of its rights to them. */
const isOfKindNotServed = (right: string) => /\.(toolkit\.fluxcd|wgpolicyk8s)\.io( |$)/.test(right);

/** Compares the operator's roles with all that it has asked of the API server since the playground started. */
export function testRights(bench: StoryBench): void {
  testRareRequests(bench);

  it("uses every right of the operator's roles, and asks for no other", () => {
    const roles = readdirSync(FILES)
      .filter((file) => file.startsWith("operator-"))
      .flatMap((file) => parseAllDocuments(readFileSync(join(FILES, file), "utf8")))
      .map((document) => document.toJS());
    const requests = readFileSync(join(bench.stateDir, "logs/audit.log"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as AuditedRequest);
    const { unused, missing } = compareRights(roles, requests);
    expect({ unused: unused.filter((right) => !isOfKindNotServed(right)), missing }).toEqual({
      unused: [],
      missing: [],
    });
  });
}
