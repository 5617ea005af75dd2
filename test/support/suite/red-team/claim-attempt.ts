import { type Attempt, core, group, mergePatch, on, onReal, post } from "./attempt.ts";
import { HOMES } from "./destination.ts";
import { deployment, named, pod, SIGNED, statefulSet, volumeClaim } from "./object.ts";

const ISOLATION = "pod-isolation";
const STORAGE = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

const inline = (driver: string, volumeAttributes?: Record<string, string>) => ({
  volumes: [{ name: "inline", csi: { driver, ...(volumeAttributes && { volumeAttributes }) } }],
});

/** Volumes that a driver of the node mounts by the Pod's own attributes. */
const DRIVERS: readonly [string, object][] = [
  ["a folder of the node", inline("hostpath.csi.k8s.io", { path: "/" })],
  ["a share of others by NFS", inline("nfs.csi.k8s.io", { server: "10.0.0.1", share: "/" })],
  ["a share of others by SMB", inline("smb.csi.k8s.io", { source: "//10.0.0.1/share" })],
  [
    "a share with a Secret of another namespace",
    inline("file.csi.azure.com", {
      shareName: "a",
      secretName: "credentials",
      secretNamespace: "kube-system",
    }),
  ],
  ["an unsigned image", inline("csi-image.warm-metal.tech", { image: "registry.test/evil:latest" })],
  ["a volume of a driver that is on no list", inline("csi.example.org")],
];

/** Members of a claim that take a volume which the namespace was not given. */
const TAKEN: readonly [string, object][] = [
  ["a volume by its name", { volumeName: "disk" }],
  [
    "a snapshot of another Organization",
    {
      dataSourceRef: {
        ...{ apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "books" },
        namespace: "globex-prod",
      },
    },
  ],
  [
    "a claim of a Sovereign",
    { dataSourceRef: { kind: "PersistentVolumeClaim", name: "store", namespace: "sovereign-omantel" } },
  ],
];

const claim = (name: string, spec: object) => volumeClaim(name, { ...spec });
const ephemeral = (spec: object) => ({
  volumes: [{ name: "own", ephemeral: { volumeClaimTemplate: { spec: { ...STORAGE, ...spec } } } }],
});
const withTemplates = (name: string, spec: object) => {
  const made = statefulSet(name);
  const template = { metadata: { name: "data" }, spec: { ...STORAGE, ...spec } };
  return { ...made, spec: { ...made.spec, volumeClaimTemplates: [template] } };
};

const DATABASE = "postgresql.cnpg.io/v1";
const database = (spec: object) => named(DATABASE, "Cluster", "evil", { spec: { instances: 1, ...spec } });

export const CLAIM_ATTEMPTS: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...DRIVERS.flatMap(([title, members]) => [
    on(
      `mounts ${title} in ${at}`,
      by,
      post(core(at, "pods"), pod("evil", SIGNED, members as Record<string, unknown>)),
      ISOLATION,
    ),
    on(
      `mounts ${title} by a Deployment in ${at}`,
      by,
      post(
        group("apps/v1", at, "deployments"),
        deployment("evil", SIGNED, members as Record<string, unknown>),
      ),
      ISOLATION,
    ),
  ]),
  on(
    `obtains a certificate of a Sovereign's host by a volume in ${at}`,
    by,
    post(
      core(at, "pods"),
      pod(
        "evil",
        SIGNED,
        inline("csi.cert-manager.io", {
          "csi.cert-manager.io/issuer-name": "public",
          "csi.cert-manager.io/dns-names": "mine.test.example,omantel.test",
        }),
      ),
    ),
    "sovereign-host",
  ),
  // An API server without the feature CrossNamespaceVolumeDataSource drops the namespace of a claim's source.
  onReal(
    `takes a volume by its name by a claim in ${at}`,
    by,
    post(core(at, "persistentvolumeclaims"), claim("evil", { volumeName: "disk" })),
    ISOLATION,
  ),
  ...TAKEN.flatMap(([title, spec]) => [
    on(
      `takes ${title} by the claims of a StatefulSet in ${at}`,
      by,
      post(group("apps/v1", at, "statefulsets"), withTemplates("evil", spec)),
      ISOLATION,
    ),
    on(
      `takes ${title} by a volume of a Pod in ${at}`,
      by,
      post(core(at, "pods"), pod("evil", SIGNED, ephemeral(spec))),
      ISOLATION,
    ),
  ]),
  onReal(
    `takes a volume by its name for a claim that waits in ${at}`,
    by,
    mergePatch(core(at, "persistentvolumeclaims/waiting"), { spec: { volumeName: "disk" } }),
    ISOLATION,
  ),
]).concat([
  on(
    "takes a volume by its name for a database",
    "amal",
    post(
      group(DATABASE, "acme-prod", "clusters"),
      database({ storage: { pvcTemplate: { volumeName: "disk" } } }),
    ),
    ISOLATION,
  ),
]);

export const ALLOWED_CLAIM: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...[
    inline("secrets-store.csi.k8s.io", { secretProviderClass: "app" }),
    inline("csi.cert-manager.io", { "csi.cert-manager.io/dns-names": "app.acme.example" }),
    inline("csi.spiffe.io"),
  ].map((members, index) =>
    on(
      `mounts Secrets and certificates of its own by driver ${index + 1} in ${at}`,
      by,
      post(core(at, "pods"), pod(`inline-${index}`, SIGNED, members)),
      "allowed",
    ),
  ),
  on(
    `gives each Pod of a StatefulSet a volume in ${at}`,
    by,
    post(group("apps/v1", at, "statefulsets"), withTemplates("stored", { storageClassName: "fast" })),
    "allowed",
  ),
  on(
    `gives a Pod a volume of its own in ${at}`,
    by,
    post(core(at, "pods"), pod("stored", SIGNED, ephemeral({}))),
    "allowed",
  ),
  onReal(
    `claims a copy of its own claim in ${at}`,
    by,
    post(
      core(at, "persistentvolumeclaims"),
      claim("copy", { dataSource: { kind: "PersistentVolumeClaim", name: "waiting" } }),
    ),
    "allowed",
  ),
  onReal(
    `grows a claim that has its volume in ${at}`,
    by,
    mergePatch(core(at, "persistentvolumeclaims/bound"), { metadata: { labels: { size: "large" } } }),
    "allowed",
  ),
]).concat([
  onReal(
    "claims a copy of a claim in another environment of its Organization",
    "amal",
    post(
      core("acme-prod", "persistentvolumeclaims"),
      claim("moved", {
        dataSourceRef: { kind: "PersistentVolumeClaim", name: "store", namespace: "acme-stg" },
      }),
    ),
    "allowed",
  ),
  on(
    "keeps a database",
    "amal",
    post(group(DATABASE, "acme-prod", "clusters"), {
      ...database({ storage: { size: "1Gi", pvcTemplate: { storageClassName: "fast" } } }),
      metadata: { name: "own" },
    }),
    "allowed",
  ),
]);
