import { blueprintArtifact, catalystImage } from "../../../../src/playground/image.ts";

export const REGISTRY = "registry.test";

/** Signed by the platform. */
export const IMAGE_ARTIFACT = catalystImage();
export const CHART_ARTIFACT = blueprintArtifact("shop", "1.0.0");
/** Signed by Franchise omantel. */
export const PRIVATE_ARTIFACT = blueprintArtifact("private", "1.0.0");
/** Has no signature. */
export const UNSIGNED_ARTIFACT = blueprintArtifact("unsigned", "1.0.0");

type Artifact = ReturnType<typeof catalystImage>;
export const referenceOf = ({ repository, digest }: Artifact) => `${REGISTRY}/${repository}@${digest}`;

export const SIGNED = referenceOf(IMAGE_ARTIFACT);
export const UNSIGNED = referenceOf(UNSIGNED_ARTIFACT);
export const TAGGED = `${REGISTRY}/catalyst:latest`;

export const LABEL_PREFIX = "catalyst.openova.io";

type Members = Record<string, unknown>;

export const named = <M extends Members>(apiVersion: string, kind: string, name: string, members?: M) => ({
  ...{ apiVersion, kind },
  ...(members as M),
  metadata: { name, ...(members?.metadata as object | undefined) },
});

/** The members of a test's Pod besides its image. */
export const podSpec = (image: string, members: Members = {}) => ({
  containers: [{ name: "app", image }],
  ...members,
});
export const pod = (name: string, image = SIGNED, members: Members = {}) =>
  named("v1", "Pod", name, { spec: podSpec(image, members) });

/** Passes the restricted Pod Security Standard, which the operator sets on Sovereigns' namespaces. */
const RESTRICTED = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
export const restrictedPod = (name: string) =>
  pod(name, SIGNED, {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [{ name: "app", image: SIGNED, securityContext: RESTRICTED }],
  });
/** A Pod that can be resized: its quality of service class stays. */
export const sizedPod = (name: string, cpu: string) => {
  const made = restrictedPod(name);
  const [container] = made.spec.containers;
  return {
    ...made,
    spec: { ...made.spec, containers: [{ ...container, resources: { requests: { cpu } } }] },
  };
};
export const restrictedContainer = (name: string, image: string) => ({
  ...{ name, image, securityContext: RESTRICTED },
});

const template = (app: string, image: string, members: Members) => ({
  metadata: { labels: { app } },
  spec: podSpec(image, members),
});
const workload = (apiVersion: string, kind: string, more: Members) => {
  return (name: string, image = SIGNED, members: Members = {}) =>
    named(apiVersion, kind, name, {
      spec: {
        selector: { matchLabels: { app: name } },
        template: template(name, image, members),
        ...more,
      },
    });
};
export const deployment = workload("apps/v1", "Deployment", { replicas: 1 });
export const daemonSet = workload("apps/v1", "DaemonSet", {});
export const replicaSet = workload("apps/v1", "ReplicaSet", { replicas: 1 });
export const statefulSet = workload("apps/v1", "StatefulSet", { serviceName: "app" });
export const job = (name: string, image = SIGNED, members: Members = {}) =>
  named("batch/v1", "Job", name, {
    spec: { template: { spec: podSpec(image, { restartPolicy: "Never", ...members }) } },
  });
export const cronJob = (name: string, image = SIGNED, members: Members = {}) =>
  named("batch/v1", "CronJob", name, {
    spec: { schedule: "0 3 * * *", jobTemplate: { spec: job(name, image, members).spec } },
  });
export const annotated = (name: string, value: string) => ({ metadata: { annotations: { [name]: value } } });
/** A Deployment whose Pods have annotations. */
export const annotatedDeployment = (name: string, annotations: Record<string, string>) => {
  const made = deployment(name);
  const { template } = made.spec;
  const metadata = { ...template.metadata, annotations };
  return { ...made, spec: { ...made.spec, template: { ...template, metadata } } };
};
/** A custom kind whose controller makes Pods from a template. */
export const widget = (name: string, image = SIGNED, members: Members = {}) =>
  named("example.org/v1", "Widget", name, { spec: { template: { spec: podSpec(image, members) } } });

export const configMap = (name: string, members: Members = {}) =>
  named("v1", "ConfigMap", name, { data: { colour: "red" }, ...members });
export const secret = (name: string, members: Members = {}) => named("v1", "Secret", name, members);
export const serviceAccount = (name: string) => named("v1", "ServiceAccount", name);
export const service = (name: string, spec: Members = {}) =>
  named("v1", "Service", name, { spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec } });
export const endpointSlice = (name: string, address: string, members: Members = {}) =>
  named("discovery.k8s.io/v1", "EndpointSlice", name, {
    ...{ addressType: "IPv4", endpoints: [{ addresses: [address] }] },
    ...members,
  });
/** The address of a Service in Sovereign omantel's namespace. */
export const SOVEREIGN_ADDRESS = "203.0.113.20";
/** The address of a Pod in Sovereign omantel's namespace. */
export const SOVEREIGN_POD_ADDRESS = "10.244.7.7";
/** The Pod's second address, in a cluster with IPv4 and IPv6. */
export const SOVEREIGN_POD_ADDRESS_6 = "fd00:10:244::7";
export const volumeClaim = (name: string, spec: Members = {}) =>
  named("v1", "PersistentVolumeClaim", name, {
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
  });
/** A Service that an object of this kind controls. */
export const ownedService = (name: string, apiVersion: string, kind: string, reference: Members = {}) => {
  const uid = "5c1f8e4e-07a8-4e5b-9d0e-cf7b2f6a2f10";
  const owner = { apiVersion, kind, name: "owner", uid, controller: true, ...reference };
  return { ...service(name), metadata: { name, ownerReferences: [owner] } };
};
export const namespace = (name: string, metadata: Members = {}) =>
  named("v1", "Namespace", name, { metadata });
export const accountToken = (account: string) => ({
  type: "kubernetes.io/service-account-token",
  metadata: { annotations: { "kubernetes.io/service-account.name": account } },
});
export const tokenRequest = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };

const RBAC = "rbac.authorization.k8s.io";
interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}
export const role = (name: string, ...rules: Rule[]) => named(`${RBAC}/v1`, "Role", name, { rules });
export const clusterRole = (name: string, members: Members = {}) =>
  named(`${RBAC}/v1`, "ClusterRole", name, { rules: [], ...members });
const binding = (kind: string) => (name: string, roleName: string, user: string) =>
  named(`${RBAC}/v1`, kind, name, {
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: roleName },
    subjects: [{ apiGroup: RBAC, kind: "User", name: user }],
  });
export const roleBinding = binding("RoleBinding");
/** A RoleBinding of a Role of its own namespace. */
export const localRoleBinding = (name: string, roleName: string, user: string) => ({
  ...roleBinding(name, roleName, user),
  roleRef: { apiGroup: RBAC, kind: "Role", name: roleName },
});
export const clusterRoleBinding = binding("ClusterRoleBinding");

export const ociRepository = (name: string, spec: Members = {}) =>
  named("source.toolkit.fluxcd.io/v1", "OCIRepository", name, {
    spec: {
      interval: "10m",
      url: `oci://${REGISTRY}/${CHART_ARTIFACT.repository}`,
      ref: { digest: CHART_ARTIFACT.digest },
      ...spec,
    },
  });
export const helmRelease = (name: string, spec: Members = {}) =>
  named("helm.toolkit.fluxcd.io/v2", "HelmRelease", name, {
    spec: {
      interval: "10m",
      chartRef: { kind: "OCIRepository", name: "shop" },
      serviceAccountName: "robot",
      ...spec,
    },
  });

export const blueprint = (name: string, spec: Members = {}) =>
  named(`${LABEL_PREFIX}/v1alpha1`, "Blueprint", name, {
    spec: {
      version: "1.0.0",
      source: { ref: `oci://${referenceOf(PRIVATE_ARTIFACT)}` },
      visibility: "private",
      franchise: "omantel",
      card: { title: name },
      ...spec,
    },
  });

export const ingress = (name: string, host: string, members: Members = {}) =>
  named("networking.k8s.io/v1", "Ingress", name, {
    spec: {
      rules: [
        {
          host,
          http: {
            paths: [
              {
                path: "/",
                pathType: "Prefix",
                backend: { service: { name: "app", port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    },
    ...members,
  });

/** A kind of cert-manager. */
export const certificate = (kind: string, spec: Members) =>
  named("cert-manager.io/v1", kind, "site", { spec });

export const sovereign = (name: string, spec: object, metadata: object = {}) =>
  named(`${LABEL_PREFIX}/v1alpha1`, "Sovereign", name, {
    metadata,
    spec: {
      fqdn: `${name}.test`,
      billing: {
        release: "stable",
        replicas: 2,
        database: { secretRef: { name: "billing-db" } },
        auth: { secretRef: { name: "billing-jwt" } },
      },
      ...spec,
    },
  });

export const franchise = (name: string, spec: object) =>
  named(`${LABEL_PREFIX}/v1alpha1`, "Franchise", name, {
    spec: {
      franchisee: { legalName: name, contactEmail: `cloud@${name}.test` },
      subjects: [{ kind: "User", name: `${name}-admin` }],
      grants: { branding: true, tiers: ["starter"], privateBlueprints: { max: 4 } },
      term: { start: "2026-01-01T00:00:00Z" },
      ...spec,
    },
  });
