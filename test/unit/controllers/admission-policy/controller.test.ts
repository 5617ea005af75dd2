import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { desiredNativePolicies } from "../../../../src/admission/policy/native/policy-list.ts";
import { identityLists } from "../../../../src/admission/rules/identity.ts";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import {
  admissionPolicyWatches,
  createAdmissionPolicyReconciler,
} from "../../../../src/controllers/admission-policy/controller.ts";
import type { SpecifiedObject } from "../../../../src/controllers/admission-policy/desired-restoration.ts";
import {
  VALIDATING_ADMISSION_POLICIES,
  VALIDATING_ADMISSION_POLICY_BINDINGS,
} from "../../../../src/kube/resource.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { connect } from "../../../support/builder/watch.ts";
import { type SeenRequest, sendJson, sendRefusal } from "../../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../../support/server/scripted-client.ts";

const startClient = useScriptedClients();
const DESIRED = desiredNativePolicies(identityLists(), "Deny");
const [POLICY] = DESIRED as [SpecifiedObject];
const KEY = `ValidatingAdmissionPolicy/${POLICY.metadata.name}`;

type Change = (written: SpecifiedObject) => SpecifiedObject;

/** A server that holds one policy, and stores a changed form of each write. */
async function start(options: { live?: SpecifiedObject; change?: Change; cached?: SpecifiedObject }) {
  const { change = (object) => object } = options;
  let version = 1;
  const stored = (object: SpecifiedObject) => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, uid: "u", resourceVersion: String(version) } };
  };
  let live = options.live && stored(options.live);
  const { api, client } = await startClient(({ method, body }: SeenRequest, response) => {
    if (method !== "GET") live = stored(change(body as SpecifiedObject));
    return live === undefined ? sendRefusal(response, 404, "NotFound") : sendJson(response, 200, live);
  });
  const restored: [name: string, fields: readonly string[]][] = [];
  const served: boolean[] = [];
  const reconcile = createAdmissionPolicyReconciler({
    client,
    informers: [
      fixedInformer<KubernetesObject>(
        VALIDATING_ADMISSION_POLICIES,
        options.cached === undefined ? [] : [options.cached],
      ),
    ],
    desired: DESIRED,
    onRestored: ({ metadata }, fields) => restored.push([metadata.name, fields]),
    onServed: (isServed) => served.push(isServed),
  });
  const methods = () => api.requests.map(({ method }) => method);
  return { reconcile: () => reconcile(KEY), restored, served, live: () => live, methods, api };
}

const withSpec = (spec: object): SpecifiedObject => ({ ...POLICY, spec: { ...POLICY.spec, ...spec } });

describe("createAdmissionPolicyReconciler", () => {
  it("sends no request while the cache has the desired policy", async () => {
    const { reconcile, methods, restored, served } = await start({ cached: POLICY });
    expect(await reconcile()).toEqual({ kind: "done", requeueAfterMs: 60_000 });
    expect([methods(), restored, served]).toEqual([[], [], [true]]);
  });

  it("writes nothing when only the cache is behind", async () => {
    const { reconcile, methods, restored } = await start({
      live: POLICY,
      cached: withSpec({ validations: [] }),
    });
    await reconcile();
    expect([methods(), restored]).toEqual([["GET"], []]);
  });

  it.each<[string, SpecifiedObject | undefined, string[]]>([
    ["a missing policy", undefined, []],
    ["a changed field", withSpec({ failurePolicy: "Ignore" }), ["spec.failurePolicy"]],
    ["an added field", withSpec({ paramKind: { kind: "ConfigMap" } }), ["spec.paramKind"]],
    ["a removed label", { ...POLICY, metadata: { name: POLICY.metadata.name } }, ["metadata.labels"]],
  ])("restores and reports %s", async (_, live, fields) => {
    const { reconcile, restored, ...server } = await start({ ...(live === undefined ? {} : { live }) });
    await reconcile();
    expect(restored).toEqual([[POLICY.metadata.name, fields]]);
    expect(server.live()).toMatchObject({ metadata: { labels: POLICY.metadata.labels }, spec: POLICY.spec });
  });

  it("replaces the policy when server-side apply keeps what others added", async () => {
    const added = { paramKind: { apiVersion: "v1", kind: "ConfigMap" } };
    let writes = 0;
    const { reconcile, methods, live } = await start({
      live: withSpec(added),
      change: (object) => {
        writes += 1;
        return writes === 1 ? withSpec(added) : object;
      },
    });
    await reconcile();
    expect(methods()).toEqual(["GET", "PATCH", "PUT"]);
    expect(live()?.spec).toEqual(POLICY.spec);
  });

  it("replaces the policy when server-side apply would merge another client's items into an invalid set", async () => {
    let live = { ...POLICY, metadata: { ...POLICY.metadata, resourceVersion: "7" }, spec: {} };
    const { api, client } = await startClient(({ method, body }, response) => {
      if (method === "PATCH") return sendRefusal(response, 422, "Invalid");
      if (method === "PUT") live = body as typeof live;
      return sendJson(response, 200, live);
    });
    const restored: string[] = [];
    const reconcile = createAdmissionPolicyReconciler({
      client,
      informers: [],
      desired: DESIRED,
      onRestored: ({ metadata }) => restored.push(metadata.name),
      onServed: () => {},
    });
    await reconcile(KEY);
    expect(api.requests.map(({ method }) => method)).toEqual(["GET", "PATCH", "PUT"]);
    expect(live).toMatchObject({ metadata: { resourceVersion: "7" }, spec: POLICY.spec });
    expect(restored).toEqual([POLICY.metadata.name]);
  });

  it("makes the installer the only owner of the spec after it replaced the policy", async () => {
    const entry = (manager: string, operation: string, fields: string) => ({
      ...{ manager, operation, fieldsV1: { [fields]: {} } },
    });
    const managedFields = [
      entry("helm-controller", "Apply", "f:spec"),
      entry("kubectl-label", "Update", "f:metadata"),
      entry("catalyst-operator", "Update", "f:spec"),
    ];
    const live = { ...POLICY, metadata: { ...POLICY.metadata, managedFields } };
    let isReplaced = false;
    const { api, client } = await startClient(({ method }, response) => {
      if (method === "PATCH" && !isReplaced) return sendRefusal(response, 422, "Invalid");
      isReplaced ||= method === "PUT";
      return sendJson(response, 200, isReplaced ? live : { ...live, spec: {} });
    });
    const reconcile = createAdmissionPolicyReconciler({
      ...{ client, informers: [], desired: DESIRED, onRestored: () => {}, onServed: () => {} },
    });
    await reconcile(KEY);
    expect(api.requests.map(({ method }) => method)).toEqual(["GET", "PATCH", "PUT", "PATCH", "PUT"]);
    expect(api.requests[3]?.query.get("fieldManager")).toBe("helm-controller");
    expect(api.requests[3]?.body).toMatchObject({ spec: POLICY.spec });
    expect(api.requests[3]?.body).not.toHaveProperty("metadata.managedFields");
    expect(api.requests[4]?.body).toMatchObject({ metadata: { managedFields: managedFields.slice(0, 2) } });
  });

  it("accepts the defaults of a later API version, and does not write again", async () => {
    const change: Change = (object) => ({ ...object, spec: { ...object.spec, newField: "Default" } });
    const { reconcile, methods, restored } = await start({ live: change(POLICY), change });
    await reconcile();
    await reconcile();
    expect(restored).toEqual([]);
    expect(methods()).toEqual(["GET", "PATCH", "PUT", "GET"]);
  });

  it.each([
    ["helm, when it finds no other", undefined, "helm"],
    [
      "the client that applied it first",
      [
        { manager: "labeller", operation: "Apply", fieldsV1: { "f:metadata": {} } },
        { manager: "helm-controller", operation: "Apply", fieldsV1: { "f:spec": {} } },
        { manager: "mallory", operation: "Apply", fieldsV1: { "f:spec": {} } },
      ],
      "helm-controller",
    ],
    [
      "helm, when others only updated it",
      [{ manager: "mallory", operation: "Update", fieldsV1: { "f:spec": {} } }],
      "helm",
    ],
  ])(
    "writes as %s, so that an upgrade of the chart conflicts with nothing",
    async (_, managedFields, manager) => {
      const broken = withSpec({ validations: [] });
      const { reconcile, api } = await start({
        live: { ...broken, metadata: { ...broken.metadata, ...(managedFields && { managedFields }) } },
      });
      await reconcile();
      const patch = api.requests.find(({ method }) => method === "PATCH");
      expect([patch?.query.get("fieldManager"), patch?.query.get("force")]).toEqual([manager, "true"]);
      expect(patch?.body).not.toHaveProperty("metadata.managedFields");
    },
  );

  it("keeps the labels and annotations of other clients", async () => {
    const broken = withSpec({ validations: [] });
    const labels = { ...POLICY.metadata.labels, "app.kubernetes.io/managed-by": "Helm" };
    const annotations = { "meta.helm.sh/release-name": "catalyst-operator" };
    const { reconcile, live } = await start({
      live: { ...broken, metadata: { ...broken.metadata, labels, annotations } },
    });
    await reconcile();
    expect(live()?.metadata).toMatchObject({ labels, annotations });
  });

  it("waits, and says so, when the API server does not serve policies", async () => {
    const { client } = await startClient((_, response) => sendRefusal(response, 404, "NotFound"));
    const served: boolean[] = [];
    const reconcile = createAdmissionPolicyReconciler({
      client,
      informers: [],
      desired: DESIRED,
      onRestored: () => expect.unreachable(),
      onServed: (isServed) => served.push(isServed),
    });
    expect(await reconcile(KEY)).toEqual({
      kind: "waiting",
      reason: "AdmissionPoliciesNotServed",
      message: "the API server serves no ValidatingAdmissionPolicy: turn on admissionregistration.k8s.io/v1",
      retryAfterMs: 60_000,
    });
    expect(served).toEqual([false]);
  });

  it("does not treat another refusal as a server without policies", async () => {
    const { client } = await startClient((_, response) => sendRefusal(response, 403, "Forbidden"));
    const reconcile = createAdmissionPolicyReconciler({
      client,
      informers: [],
      desired: DESIRED,
      onRestored: () => expect.unreachable(),
      onServed: () => expect.unreachable(),
    });
    await expect(reconcile(KEY)).rejects.toMatchObject({ status: 403 });
  });
});

describe("admissionPolicyWatches", () => {
  it("enqueues every object at the start, and those of ours that change", () => {
    const policies = fixedInformer<KubernetesObject>(VALIDATING_ADMISSION_POLICIES);
    const bindings = fixedInformer<KubernetesObject>(VALIDATING_ADMISSION_POLICY_BINDINGS);
    const deps = { informers: [policies, bindings], desired: DESIRED } as never;
    const seen = connect(admissionPolicyWatches(deps));
    expect(seen).toEqual(DESIRED.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
    seen.length = 0;
    const [policy, binding] = DESIRED as [SpecifiedObject, SpecifiedObject];
    policies.announce({ kind: "deleted", object: policy });
    bindings.announce({ kind: "updated", object: binding, previous: binding });
    policies.announce({ kind: "added", object: { ...policy, metadata: { name: "theirs" } } });
    expect(seen).toEqual([KEY, `ValidatingAdmissionPolicyBinding/${binding.metadata.name}`]);
  });
});

describe("the operator's ClusterRole", () => {
  it("may write exactly the policies and bindings that the operator keeps", () => {
    const file = join(
      import.meta.dirname,
      "../../../../charts/catalyst-operator/files/operator-clusterrole.yaml",
    );
    const { rules } = parse(readFileSync(file, "utf8")) as {
      rules: { resources: string[]; resourceNames?: string[]; verbs: string[] }[];
    };
    const named = rules.filter(
      ({ resources, resourceNames }) =>
        resources.includes("validatingadmissionpolicies") && resourceNames !== undefined,
    );
    const names = new Set(DESIRED.map(({ metadata }) => metadata.name));
    expect(named).toEqual([
      expect.objectContaining({
        resources: ["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
        resourceNames: [...names],
        verbs: ["patch", "update"],
      }),
    ]);
  });
});
