import { type Attempt, apply, cluster, core, group, mergePatch, on, onReal, post, put } from "./attempt.ts";
import { configMap, deployment, LABEL_PREFIX, named } from "./object.ts";

const PRODUCT = `${LABEL_PREFIX}/v1alpha1`;
const SOVEREIGN = cluster(PRODUCT, "sovereigns/omantel");
const FIELD = "sovereign-field";
const OWNER = "platform-kind";

const owned = (name: string, apiVersion: string, kind: string, owner: string) => ({
  metadata: {
    name,
    ownerReferences: [{ apiVersion, kind, name: owner, uid: "u-1", blockOwnerDeletion: true }],
  },
});
const configMapOf = (apiVersion: string, kind: string, owner: string) => ({
  ...configMap("holder"),
  ...owned("holder", apiVersion, kind, owner),
});

/** Attempts to take fields from their owner, or to keep an object of others from being deleted. */
export const FIELD_OWNERSHIP_ATTEMPTS: readonly Attempt[] = [
  on(
    "erases who owns the fields of its Sovereign",
    "omantel",
    mergePatch(SOVEREIGN, { metadata: { managedFields: [{}] } }),
    FIELD,
  ),
  on(
    "erases who owns the fields of its Sovereign while it sets its branding",
    "omantel",
    mergePatch(SOVEREIGN, {
      metadata: { managedFields: [{}] },
      spec: { branding: { displayName: "Omantel" } },
    }),
    FIELD,
  ),
  on(
    "becomes co-owner of a label of its Sovereign by server-side apply",
    "omantel",
    apply(SOVEREIGN, {
      ...named(PRODUCT, "Sovereign", "omantel", { spec: { branding: { displayName: "Omantel" } } }),
      metadata: { name: "omantel", labels: { region: "gulf" } },
    }),
    FIELD,
  ),
  on(
    "becomes co-owner of a finalizer of its Sovereign by server-side apply",
    "omantel",
    apply(SOVEREIGN, {
      ...named(PRODUCT, "Sovereign", "omantel", { spec: { branding: { displayName: "Omantel" } } }),
      metadata: { name: "omantel", finalizers: ["platform.example/keep"] },
    }),
    FIELD,
  ),
  ...(
    [
      ["stranger", "shop", PRODUCT, "Sovereign", "omantel"],
      ["stranger", "shop", "v1", "Namespace", "acme-prod"],
      ["amal", "acme-prod", PRODUCT, "Organization", "acme"],
    ] as const
  ).flatMap(([by, at, version, kind, owner]) => [
    on(
      `keeps a ${kind} from being deleted by a ConfigMap in ${at}`,
      by,
      post(core(at, "configmaps"), configMapOf(version, kind, owner)),
      kind === "Namespace" ? "namespace-guarded" : OWNER,
    ),
    on(
      `keeps a ${kind} from being deleted by a ConfigMap that is there in ${at}`,
      by,
      mergePatch(core(at, "configmaps/settings"), owned("settings", version, kind, owner)),
      kind === "Namespace" ? "namespace-guarded" : OWNER,
    ),
  ]),
  on(
    "keeps a Sovereign from being deleted by a Deployment by server-side apply",
    "stranger",
    apply(group("apps/v1", "shop", "deployments/holder"), {
      ...deployment("holder"),
      ...owned("holder", PRODUCT, "Sovereign", "omantel"),
    }),
    OWNER,
  ),
  on(
    "keeps a Sovereign from being deleted by a custom kind",
    "stranger",
    post(group("example.org/v1", "shop", "widgets"), {
      ...named("example.org/v1", "Widget", "holder", { spec: {} }),
      ...owned("holder", PRODUCT, "Sovereign", "omantel"),
    }),
    OWNER,
  ),
  on(
    "keeps a Sovereign from being deleted by a Namespace",
    "stranger",
    post("/api/v1/namespaces", {
      ...named("v1", "Namespace", "holder"),
      ...owned("holder", PRODUCT, "Sovereign", "omantel"),
    }),
    OWNER,
  ),
  onReal(
    "keeps a Sovereign from being deleted by a Lease that it replaces",
    "stranger",
    put(group("coordination.k8s.io/v1", "shop", "leases/holder"), {
      ...named("coordination.k8s.io/v1", "Lease", "holder"),
      ...owned("holder", PRODUCT, "Sovereign", "omantel"),
    }),
    OWNER,
  ),
];
