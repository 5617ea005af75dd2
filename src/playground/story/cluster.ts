import { setTimeout as delay } from "node:timers/promises";
import type { KubernetesObject } from "../../api/object.ts";
import type { ApiAnswer, ApiConnection } from "./api-connection.ts";
import { UnmetExpectation } from "./expectation.ts";

const FIELD_MANAGER = "catalyst-playground";
const POLL_INTERVAL_MS = 50;
const PATIENCE_MS = 45_000;

/** Where the kinds of the story are served. */
const KINDS = {
  Namespace: ["/api/v1", "namespaces"],
  Secret: ["/api/v1", "secrets"],
  Service: ["/api/v1", "services"],
  ConfigMap: ["/api/v1", "configmaps"],
  ServiceAccount: ["/api/v1", "serviceaccounts"],
  Pod: ["/api/v1", "pods"],
  Event: ["/api/v1", "events"],
  Deployment: ["/apis/apps/v1", "deployments"],
  Job: ["/apis/batch/v1", "jobs"],
  Role: ["/apis/rbac.authorization.k8s.io/v1", "roles"],
  RoleBinding: ["/apis/rbac.authorization.k8s.io/v1", "rolebindings"],
  ClusterRole: ["/apis/rbac.authorization.k8s.io/v1", "clusterroles"],
  ClusterRoleBinding: ["/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"],
  CustomResourceDefinition: ["/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"],
  ValidatingWebhookConfiguration: [
    "/apis/admissionregistration.k8s.io/v1",
    "validatingwebhookconfigurations",
  ],
  ValidatingAdmissionPolicy: ["/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies"],
  ValidatingAdmissionPolicyBinding: [
    "/apis/admissionregistration.k8s.io/v1",
    "validatingadmissionpolicybindings",
  ],
  Sovereign: ["/apis/catalyst.openova.io/v1alpha1", "sovereigns"],
  BillingRelease: ["/apis/catalyst.openova.io/v1alpha1", "billingreleases"],
  Franchise: ["/apis/catalyst.openova.io/v1alpha1", "franchises"],
  Blueprint: ["/apis/catalyst.openova.io/v1alpha1", "blueprints"],
  EnvironmentPolicy: ["/apis/catalyst.openova.io/v1alpha1", "environmentpolicies"],
  Organization: ["/apis/catalyst.openova.io/v1alpha1", "organizations"],
} as const;

export type Kind = keyof typeof KINDS;

export interface ObjectReference {
  kind: Kind;
  name: string;
  namespace?: string;
}

/** What came of a write: a refusal is an expected answer here, not an error. */
export type Attempt =
  | { kind: "accepted"; object: KubernetesObject }
  | { kind: "refused"; status: number; message: string };

export interface StatusCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

export interface Reference {
  schemaFingerprint: string;
  apiFingerprint: string;
  measuredOn: string;
}

/** Somebody who writes to the API server. */
export interface Writer {
  apply(manifest: KubernetesObject): Promise<Attempt>;
  /** As `apply`; throws when refused. */
  mustApply(manifest: KubernetesObject): Promise<void>;
  mergePatch(reference: ObjectReference, patch: object): Promise<Attempt>;
  strategicPatch(reference: ObjectReference, patch: object): Promise<Attempt>;
  remove(reference: ObjectReference): Promise<Attempt>;
}

export type Cluster = ReturnType<typeof createCluster>;

/** The story's view of an API server. Reads and waits are the administrator's; writes are whoever's they are. */
export function createCluster(connection: ApiConnection, signal: AbortSignal) {
  async function get<T = KubernetesObject>(reference: ObjectReference): Promise<T | undefined> {
    const answer = await connection.send({ method: "GET", path: pathOf(reference) });
    if (answer.status === 404) return undefined;
    return successful(answer) as T;
  }

  async function mustGet<T = KubernetesObject>(reference: ObjectReference): Promise<T> {
    const object = await get<T>(reference);
    if (object === undefined)
      throw new UnmetExpectation(`${reference.kind} ${reference.name} does not exist`);
    return object;
  }

  async function list(kind: Kind, namespace?: string, labelSelector = ""): Promise<KubernetesObject[]> {
    const path = `${collectionOf(kind, namespace)}?labelSelector=${encodeURIComponent(labelSelector)}`;
    return (successful(await connection.send({ method: "GET", path })) as { items: KubernetesObject[] })
      .items;
  }

  /** Looks again until `look` sees something; says what it waited for when patience runs out. */
  async function waitFor<T>(
    what: string,
    look: () => Promise<T | undefined>,
    explain = async () => "",
  ): Promise<T> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const seen = await look();
      if (seen !== undefined) return seen;
      if (Date.now() > until) {
        throw new UnmetExpectation(`waited ${PATIENCE_MS / 1000} s for: ${what}. ${await explain()}`);
      }
      await delay(POLL_INTERVAL_MS, undefined, { signal });
    }
  }

  async function conditionsOf(reference: ObjectReference): Promise<StatusCondition[]> {
    const object = (await get(reference)) as { status?: { conditions?: StatusCondition[] } } | undefined;
    return object?.status?.conditions ?? [];
  }

  function writer(as?: string): Writer {
    const attempt = (answer: ApiAnswer): Attempt =>
      answer.status < 300
        ? { kind: "accepted", object: answer.body as KubernetesObject }
        : { kind: "refused", status: answer.status, message: messageOf(answer) };
    const patch = async (reference: ObjectReference, body: object, contentType: string, query = "") =>
      attempt(
        await connection.send({
          method: "PATCH",
          path: `${pathOf(reference)}${query}`,
          body,
          contentType,
          ...(as === undefined ? {} : { as }),
        }),
      );
    const apply = (manifest: KubernetesObject) =>
      patch(
        referenceOfManifest(manifest),
        manifest,
        "application/apply-patch+yaml",
        `?fieldManager=${FIELD_MANAGER}&force=true`,
      );
    return {
      apply,
      async mustApply(manifest) {
        const outcome = await apply(manifest);
        if (outcome.kind === "refused") {
          throw new UnmetExpectation(`${manifest.kind} ${manifest.metadata.name}: ${outcome.message}`);
        }
      },
      mergePatch: (reference, body) => patch(reference, body, "application/merge-patch+json"),
      remove: async (reference) =>
        attempt(
          await connection.send({
            method: "DELETE",
            path: pathOf(reference),
            ...(as === undefined ? {} : { as }),
          }),
        ),
      strategicPatch: (reference, body) => patch(reference, body, "application/strategic-merge-patch+json"),
    };
  }

  return {
    get,
    mustGet,
    list,
    conditionsOf,
    asAdmin: () => writer(),
    as: (user: string) => writer(user),

    waitUntil: (reference: ObjectReference, what: string, holds: (object: KubernetesObject) => boolean) =>
      waitFor(`${reference.kind} ${reference.name}: ${what}`, async () => {
        const object = await get(reference);
        return object !== undefined && holds(object) ? object : undefined;
      }),

    waitUntilGone: (reference: ObjectReference) =>
      waitFor(`${reference.kind} ${reference.name} is gone`, async () =>
        (await get(reference)) === undefined ? true : undefined,
      ),

    waitForCondition: (reference: ObjectReference, type: string, status: "True" | "False") =>
      waitFor(
        `${reference.kind} ${reference.name}: ${type}=${status}`,
        async () =>
          (await conditionsOf(reference)).find((seen) => seen.type === type && seen.status === status),
        async () =>
          (await conditionsOf(reference))
            .filter((seen) => seen.status !== "True")
            .map((seen) => `${seen.type}=${seen.status} ${seen.reason}: ${seen.message}`)
            .join("; ") || "it has no conditions yet",
      ),

    waitForEvent: (reference: ObjectReference, reason: string) =>
      waitFor(`event ${reason} on ${reference.kind} ${reference.name}`, async () => {
        const events = (await list("Event")) as unknown as StoryEvent[];
        return events.find(
          (event) =>
            event.reason === reason &&
            event.involvedObject.kind === reference.kind &&
            event.involvedObject.name === reference.name,
        );
      }),

    /** Name of the Organization that an order led to. */
    waitForOrganization: (orderId: string) =>
      waitFor(`an Organization for order ${orderId}`, async () => {
        const organizations = (await list("Organization")) as {
          metadata: { name: string };
          spec?: { order?: string };
        }[];
        return organizations.find(({ spec }) => spec?.order === orderId)?.metadata.name;
      }),

    async releaseOf(sovereign: string): Promise<string> {
      const object = await mustGet<{ spec: { billing: { release: string } } }>({
        kind: "Sovereign",
        name: sovereign,
      });
      return object.spec.billing.release;
    },

    /** What Catalyst-Zero measured: the release's own controller writes it once Catalyst-Zero is verified. */
    referenceOf: (release: string) =>
      waitFor(`BillingRelease ${release}: a measured reference`, async () => {
        const object = await mustGet<{ status?: { reference?: Reference } }>({
          kind: "BillingRelease",
          name: release,
        });
        return object.status?.reference;
      }),
  };
}

interface StoryEvent {
  reason: string;
  message: string;
  involvedObject: { kind: string; name: string };
}

function collectionOf(kind: Kind, namespace?: string): string {
  const [groupVersion, plural] = KINDS[kind];
  return namespace === undefined
    ? `${groupVersion}/${plural}`
    : `${groupVersion}/namespaces/${namespace}/${plural}`;
}

const pathOf = ({ kind, name, namespace }: ObjectReference) => `${collectionOf(kind, namespace)}/${name}`;

function referenceOfManifest({ kind, metadata }: KubernetesObject): ObjectReference {
  if (!Object.hasOwn(KINDS, kind)) throw new UnmetExpectation(`the story knows no kind ${kind}`);
  const { name, namespace } = metadata;
  return { kind: kind as Kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

function messageOf(answer: ApiAnswer): string {
  return String((answer.body as { message?: string } | undefined)?.message ?? `status ${answer.status}`);
}

function successful(answer: ApiAnswer): unknown {
  if (answer.status >= 300)
    throw new UnmetExpectation(`the API server answers ${answer.status}: ${messageOf(answer)}`);
  return answer.body;
}
