import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { BUILT_IN_IDENTITIES, identityLists } from "../../../src/admission/rules/identity.ts";
import { desiredWebhookConfiguration } from "../../../src/admission/webhook-configuration.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { pathOf, resourceOfManifest } from "../../../src/kube/resource.ts";
import { type ApiConnection, createApiConnection } from "../../../src/playground/story/api-connection.ts";
import { startTestControlPlane, type TestControlPlane } from "../server/kube-apiserver.ts";
import { eventually } from "../wait.ts";
import { NATIVE_ALLOWED, NATIVE_UNGUARDED } from "./native-policy-allowed.ts";
import { JUDGED_REPORTS } from "./native-policy-annotation.ts";
import { NATIVE_ATTEMPTS, NATIVE_POLICY_SEEDS } from "./native-policy-attempt.ts";
import { testHubObjects } from "./native-policy-hub.ts";
import { testPolicyRestoration } from "./native-policy-restoration.ts";
import { testRolloutAnnotations } from "./native-policy-rollout.ts";
import { NATIVE_JUDGED } from "./native-policy-service.ts";
import { mergePatch, post, type Request } from "./red-team/attempt.ts";
import { AUTHORITY } from "./red-team/certificate.ts";
import { clusterRoleBinding, named } from "./red-team/object.ts";
import { type Identity, PEOPLE, WIDE_GROUP } from "./red-team/person.ts";
import { sendAs } from "./red-team/sender.ts";

const POLICIES = join(import.meta.dirname, "../../../policies/native");
const CONFIGURATION =
  "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/catalyst-operator";

/** The operator's webhook configuration, with a port on which nothing listens. */
const DEAD_WEBHOOK = desiredWebhookConfiguration(
  { caBundle: Buffer.from(AUTHORITY, "base64").toString(), url: "https://127.0.0.1:1" },
  identityLists(),
);

const policies = (): KubernetesObject[] =>
  readdirSync(POLICIES).flatMap((file) =>
    parseAllDocuments(readFileSync(join(POLICIES, file), "utf8")).map(
      (document) => document.toJS() as KubernetesObject,
    ),
  );

/** Tests policies/native, as the chart and the playground install them, on either control plane. */
export function describeNativePolicies(kind: "embedded" | "real"): void {
  describe(`the native policies while the webhook is down, on the ${kind} API server`, () => {
    let plane: TestControlPlane;
    let api: ApiConnection;
    const send = (identity: Identity, request: Request) => sendAs(api, identity, request);
    const create = async (object: KubernetesObject) => {
      const { status, body } = await api.send(post(pathOf(resourceOfManifest(object)), object));
      expect(status, JSON.stringify(body)).toBe(201);
    };

    /** As `helm install` does. */
    const install = async (object: KubernetesObject) => {
      const path = pathOf(resourceOfManifest(object), object.metadata);
      const { status, body } = await api.send({
        method: "PATCH",
        path: `${path}?fieldManager=helm`,
        body: object,
        contentType: "application/apply-patch+yaml",
      });
      expect(status, JSON.stringify(body)).toBe(201);
    };

    beforeAll(async () => {
      plane = await startTestControlPlane(kind);
      api = createApiConnection(plane.kubeconfigPath);
      const wide = clusterRoleBinding("wide", "cluster-admin", "nobody");
      await create({
        ...wide,
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: WIDE_GROUP }],
      } as KubernetesObject);
      await create(named("v1", "Namespace", "catalyst-system"));
      for (const seed of NATIVE_POLICY_SEEDS) {
        const { status, body } = await api.send(seed);
        expect(status, JSON.stringify(body)).toBe(201);
      }
      await create(DEAD_WEBHOOK);
      for (const object of policies()) await install(object);
      // A kube-apiserver applies new rights and policies after a short delay.
      for (const { by, request, denial } of new Map(
        NATIVE_ATTEMPTS.filter(({ only }) => only !== "real").map((it) => [it.denial, it]),
      ).values())
        await eventually(async () =>
          expect((await send(PEOPLE[by], dryRun(request))).message).toContain(denial),
        );
    });
    afterAll(async () => {
      await api?.close();
      await plane?.close();
    });

    it.each(
      NATIVE_ATTEMPTS.filter(({ only }) => only === undefined || only === kind).map(
        (attempt) => [attempt.denial.split(":")[0], attempt.by, attempt.title, attempt] as const,
      ),
    )("denies by %s that %s %s", async (_rule, by, _title, { request, denial }) => {
      const answer = await send(PEOPLE[by], request);
      expect(answer.status, answer.message).toBe(403);
      expect(answer.message).toContain(`denied request: ${denial}`);
      expect(answer.message).toMatch(new RegExp(`\\. See docs/denied\\.md#${denial.split(":")[0]}$`));
    });

    it.each(NATIVE_ALLOWED.map((allowed) => [allowed.by, allowed.title, allowed.request] as const))(
      "allows that %s %s",
      async (by, _, request) => {
        const answer = await send(PEOPLE[by], request);
        expect(answer.status, answer.message).toBeLessThan(300);
      },
    );

    it.each(
      [...NATIVE_JUDGED, ...JUDGED_REPORTS].map(
        (judged) => [judged.by, judged.title, judged.request] as const,
      ),
    )("refuses that %s %s, because the webhook does not answer", async (by, _, request) => {
      const answer = await send(PEOPLE[by], request);
      expect(answer.status, answer.message).toBe(500);
      expect(answer.message).toContain("failed calling webhook");
    });

    it("answers a flood of questions about rights and tokens, of which none is sent to the webhook", async () => {
      const review = (group: string, review: string, spec: object) =>
        post(`/apis/${group}/v1/${review.toLowerCase()}s`, named(`${group}/v1`, review, "", { spec }));
      const resourceAttributes = { verb: "create", resource: "pods", namespace: "shop" };
      const questions = [
        review("authorization.k8s.io", "SelfSubjectAccessReview", { resourceAttributes }),
        review("authorization.k8s.io", "SubjectAccessReview", { user: "amal", resourceAttributes }),
        review("authentication.k8s.io", "TokenReview", { token: "of no one" }),
        review("authentication.k8s.io", "SelfSubjectReview", {}),
      ];
      // The webhook is down, so a question that reached it would be refused.
      for (let round = 0; round < 20; round += 1) {
        const flood = Array.from(
          { length: 20 },
          (_, index) => questions[index % questions.length] as Request,
        );
        const answers = await Promise.all(flood.map((question) => send(PEOPLE.stranger, question)));
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      }
    });

    it.each([
      ...BUILT_IN_IDENTITIES.platformGroups.map((name) => ["ops", [name, WIDE_GROUP]] as const),
      ...BUILT_IN_IDENTITIES.platformNamespaces.map(
        (namespace) => [`system:serviceaccount:${namespace}:any`, [WIDE_GROUP]] as const,
      ),
    ])("allows the platform to change the webhook configuration: %s of %j", async (user, groups) => {
      const patch = { metadata: { labels: { label: user.replaceAll(":", "-") } } };
      expect(await send({ user, groups }, mergePatch(CONFIGURATION, patch))).toMatchObject({ status: 200 });
    });

    testPolicyRestoration(() => ({ plane, api }));
    testRolloutAnnotations(() => api);
    testHubObjects(() => api);

    describe("when the webhook configuration is gone", () => {
      beforeAll(async () => {
        await api.send({ method: "DELETE", path: CONFIGURATION });
      });

      it("denies others to create it again", async () => {
        const answer = await send(PEOPLE.stranger, post(CONFIGURATION.replace(/\/[^/]+$/, ""), DEAD_WEBHOOK));
        expect(answer.status).toBe(403);
        expect(answer.message).toContain("webhook-configuration: metadata.name: ");
      });

      it.each(NATIVE_UNGUARDED.map((allowed) => [allowed.by, allowed.title, allowed.request] as const))(
        "allows that %s %s",
        async (by, _, request) => {
          // A kube-apiserver calls a deleted webhook for a short time.
          await eventually(async () => {
            const answer = await send(PEOPLE[by], request);
            expect(answer.status, answer.message).toBeLessThan(300);
          });
        },
      );
    });
  });
}

function dryRun(request: Request): Request {
  return { ...request, path: `${request.path}${request.path.includes("?") ? "&" : "?"}dryRun=All` };
}
