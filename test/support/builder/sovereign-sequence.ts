import type { KubernetesObject, SecretObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { desiredMigrationJob } from "../../../src/controllers/sovereign/desired-migration.ts";
import type { JobObject, PodObject } from "../../../src/controllers/sovereign/observed.ts";
import { databaseIdentity } from "../../../src/controllers/sovereign/secret.ts";
import { createSecretReader } from "../../../src/controllers/sovereign/secret-facts.ts";
import { reconcileSovereign } from "../../../src/controllers/sovereign/sequence.ts";
import type { Applier } from "../../../src/kube/apply.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { SECRETS as SECRET_KIND } from "../../../src/kube/resource.ts";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";
import {
  type franchise,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  sovereign,
  verifiedOn,
} from "./catalyst-object.ts";
import { contextOf, fixedInformer } from "./reconcile-context.ts";

export const NAMESPACE = "sovereign-omantel";
export const secret = (name: string): SecretObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: NAMESPACE, uid: `uid-${name}`, resourceVersion: "1" },
  data: {
    uri: Buffer.from("postgres://billing:secret@db:5432/billing").toString("base64"),
    secret: Buffer.from("k".repeat(32)).toString("base64"),
  },
});
const SECRETS = [secret("billing-db"), secret("billing-jwt")];
const OWN_NAMESPACE: KubernetesObject = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: NAMESPACE, labels: { "catalyst.openova.io/sovereign": "omantel" } },
};

export interface Cluster {
  /** Default: both Secrets. */
  secrets?: SecretObject[];
  releases?: ReturnType<typeof release>[];
  franchises?: ReturnType<typeof franchise>[];
  /** Whether the database accepts logins. Default: true. */
  isReachable?: boolean;
  /** The number of available replicas. Default: all. */
  available?: number;
  jobs?: JobObject[];
  pods?: PodObject[];
  hasFinalizer?: boolean;
}

const databaseOf = (own: Sovereign) =>
  databaseIdentity(own, new Map(SECRETS.map((each) => [each.metadata.name, each]))) ?? "";
export const migratedTo = (image: string, pinned = image) => ({
  ...verifiedOn(pinned),
  migration: { image, database: databaseOf(sovereign("omantel")) },
});

/** Reconciles a Sovereign once, and lists every effect in its order. */
export async function reconcile(own: Sovereign, cluster: Cluster = {}) {
  const { secrets = SECRETS, isReachable = true, available = 2, hasFinalizer = true } = cluster;
  const calls: string[] = [];
  const pruned: { wanted: string[] }[] = [];
  const nameOf = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.name}`;
  const client = {
    get: async ({ kind }: { kind: string }, { name }: { name: string }) => {
      calls.push(`get ${kind} ${name}`);
      return kind === "Secret" ? secrets.find(({ metadata }) => metadata.name === name) : undefined;
    },
    list: async ({ kind }: { kind: string }) => {
      calls.push(`list ${kind}`);
      return { items: [], resourceVersion: "1" };
    },
    mergePatch: async ({ kind }: { kind: string }, { name }: { name: string }, patch: unknown) => {
      calls.push(`patch ${kind} ${name} ${JSON.stringify(patch)}`);
      return own;
    },
  } as unknown as KubeClient;
  const applier = {
    ...{ isNew: () => false, hasNone: () => false },
    create: async (object: KubernetesObject) => {
      calls.push(`create ${object.kind}`);
      return object;
    },
    apply: async (desired: KubernetesObject) => {
      const { containers } =
        (desired as { spec?: { template?: { spec?: { containers?: { image: string }[] } } } }).spec?.template
          ?.spec ?? {};
      const image = containers?.[0]?.image;
      calls.push(
        `apply ${nameOf(desired)}${image === undefined ? "" : ` ${image === IMAGE ? "old" : "new"}`}`,
      );
      const status = { replicas: 2, updatedReplicas: 2, availableReplicas: available };
      return { kind: "unchanged", object: desired.kind === "Deployment" ? { ...desired, status } : desired };
    },
    prune: async (wanted: readonly KubernetesObject[]) => {
      calls.push("prune");
      pruned.push({ wanted: wanted.map(nameOf) });
      return [];
    },
  } as unknown as Applier;
  const finalizers = hasFinalizer ? ["catalyst.openova.io/sovereign"] : ["theirs"];
  const subject = { ...own, metadata: { ...own.metadata, resourceVersion: "7", finalizers } };
  const context = contextOf(
    subject,
    {
      namespaces: [OWN_NAMESPACE],
      sovereigns: [subject],
      releases: cluster.releases ?? [release({}, measured(NEXT_IMAGE))],
      franchises: cluster.franchises ?? [],
      jobs: cluster.jobs ?? [],
      pods: cluster.pods ?? [],
    },
    {
      client,
      applier,
      secrets: createSecretReader({
        ...{ client, applier, keyedDigest: sha256Digest },
        secretVersions: fixedInformer<KubernetesObject>(SECRET_KIND),
      }),
      probeDatabase: async () => {
        calls.push("probe");
        return isReachable ? { kind: "ready" } : { kind: "unready", reason: "nothing listens there" };
      },
      smoke: async () => {
        calls.push("smoke");
        return {
          passed: true,
          steps: [],
          apiFingerprint: verifiedOn(IMAGE).apiFingerprint,
          schema: { version: "0001", fingerprint: verifiedOn(IMAGE).schemaFingerprint ?? "" },
        };
      },
    },
  );
  const stop = await reconcileSovereign(context);
  return { stop, calls, pruned, findings: context.findings, events: context.events };
}

/** The calls for the objects that exist before any image. */
export const FOUNDATION = [
  `apply Namespace ${NAMESPACE}`,
  "apply ServiceAccount billing",
  "apply ServiceAccount billing-migrate",
  "apply ConfigMap billing-config",
];
export const READ_SECRETS = ["get Secret billing-db", "get Secret billing-jwt"];
export const workload = (which: "old" | "new") => [
  `apply Deployment billing ${which}`,
  "apply Service billing",
  "apply PodDisruptionBudget billing",
  "apply NetworkPolicy billing",
];

/** The complete migration Job of a Sovereign, and its Pod. */
export function finished(
  image: string,
  own = sovereign("omantel"),
): { jobs: JobObject[]; pods: PodObject[] } {
  const desired = desiredMigrationJob(own, image, databaseOf(own));
  const owner = { apiVersion: "batch/v1", kind: "Job", name: desired.metadata.name, uid: "uid-job" };
  const message = JSON.stringify({ version: "0001", fingerprint: verifiedOn(image).schemaFingerprint });
  return {
    jobs: [
      {
        ...desired,
        metadata: { ...desired.metadata, uid: "uid-job" },
        status: { conditions: [{ type: "Complete", status: "True" }], completionTime: NOW },
      },
    ],
    pods: [
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "migrate", namespace: NAMESPACE, ownerReferences: [owner] },
        status: { containerStatuses: [{ name: "migrate", state: { terminated: { exitCode: 0, message } } }] },
      },
    ],
  };
}
