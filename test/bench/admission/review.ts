import { API_VERSION } from "../../../src/api/kind.ts";
import { organizationNamespace, sovereignNamespace } from "../../../src/api/name.ts";
import { imageOf } from "./artifact.ts";
import {
  environmentName,
  type FleetSize,
  franchiseName,
  ordinaryName,
  organizationName,
  sovereignName,
  sovereignSpec,
} from "./fleet.ts";
import type { SentReview } from "./load-process-message.ts";

interface Target {
  version: string;
  kind: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name: string;
}

type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** An AdmissionReview as kube-apiserver writes it. */
function review(
  operation: Operation,
  target: Target,
  user: { username: string; groups?: readonly string[] },
  objects: { object?: object; oldObject?: object },
): object {
  const [group = "", version = ""] = target.version.includes("/")
    ? target.version.split("/")
    : ["", target.version];
  const kind = { group, version, kind: target.kind };
  const resource = { group, version, resource: target.resource };
  const subresource = target.subresource === undefined ? {} : { subResource: target.subresource };
  const requestSubresource =
    target.subresource === undefined ? {} : { requestSubResource: target.subresource };
  return {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      ...{
        kind,
        resource,
        ...subresource,
        requestKind: kind,
        requestResource: resource,
        ...requestSubresource,
      },
      name: target.name,
      ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
      operation,
      userInfo: {
        username: user.username,
        groups: [...(user.groups ?? []), "system:authenticated"],
        extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=0e53a6f1"] },
      },
      object: objects.object ?? null,
      oldObject: objects.oldObject ?? null,
      dryRun: false,
      options: {
        kind: `${operation[0]}${operation.slice(1).toLowerCase()}Options`,
        apiVersion: "meta.k8s.io/v1",
      },
    },
  };
}

/** The entries by which server-side apply remembers who owns what: half of an ordinary object's size. */
const managedFields = (fields: object) =>
  ["kubectl-client-side-apply", "kube-controller-manager"].map((manager) => ({
    ...{ manager, operation: "Update", apiVersion: "apps/v1", time: "2026-11-24T12:00:00Z" },
    ...{ fieldsType: "FieldsV1", fieldsV1: fields },
  }));

const metadata = (name: string, namespace?: string, more: object = {}) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  uid: "5c1f8e4e-07a8-4e5b-9d0e-cf7b2f6a2f10",
  resourceVersion: "123456",
  generation: 3,
  creationTimestamp: "2026-11-24T12:00:00Z",
  labels: {
    "app.kubernetes.io/name": name,
    "app.kubernetes.io/instance": name,
    "app.kubernetes.io/part-of": "shop",
  },
  annotations: { "deployment.kubernetes.io/revision": "7" },
  ...more,
});

/** Passes every rule but for its image. */
const container = (name: string, image: string) => ({
  name,
  image,
  ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
  env: Array.from({ length: 8 }, (_, index) => ({ name: `SETTING_${index}`, value: `value-${index}` })),
  resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
  readinessProbe: { httpGet: { path: "/readyz", port: "http", scheme: "HTTP" }, periodSeconds: 10 },
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
  volumeMounts: [{ name: "settings", mountPath: "/etc/settings", readOnly: true }],
  imagePullPolicy: "IfNotPresent",
});
const podSpec = (image: string) => ({
  containers: [container("app", image), container("proxy", image)],
  volumes: [{ name: "settings", configMap: { name: "settings", defaultMode: 420 } }],
  serviceAccountName: "app",
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
});

function deployment(name: string, namespace: string, image: string, replicas: number): object {
  const labels = { app: name };
  const spec = {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: podSpec(image) },
  };
  const owned = {
    "f:spec": { "f:replicas": {}, "f:template": { "f:spec": { "f:containers": fieldsOf(podSpec(image)) } } },
  };
  return {
    ...{ apiVersion: "apps/v1", kind: "Deployment" },
    metadata: metadata(name, namespace, { managedFields: managedFields(owned) }),
    spec,
    status: { observedGeneration: 3, replicas, readyReplicas: replicas, availableReplicas: replicas },
  };
}

const fieldsOf = (value: object): object =>
  Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      `f:${name}`,
      typeof member === "object" && member !== null ? fieldsOf(member) : {},
    ]),
  );

const DEPLOYMENT = { version: "apps/v1", kind: "Deployment", resource: "deployments" };
const pod = (name: string, namespace: string, image: string) => ({
  ...{ apiVersion: "v1", kind: "Pod" },
  metadata: metadata(name, namespace, { managedFields: managedFields(fieldsOf(podSpec(image))) }),
  spec: podSpec(image),
});

const denied = (name: string, sent: object): SentReview => ({ name, isAllowed: false, review: sent });
const allowed = (name: string, sent: object): SentReview => ({ name, isAllowed: true, review: sent });

const scaled = (namespace: string, user: { username: string; groups?: string[] }) =>
  review("UPDATE", { ...DEPLOYMENT, namespace, name: "app" }, user, {
    object: deployment("app", namespace, imageOf(0), 4),
    oldObject: deployment("app", namespace, imageOf(0), 2),
  });

/** Requests that are denied without a look at a registry, in one place of each kind. */
export function deniedReviews(size: FleetSize): SentReview[] {
  const franchisee = { username: `${franchiseName(size.franchises - 1)}-admin` };
  const stranger = { username: "mallory", groups: ["developers", "on-call"] };
  const sovereign = sovereignNamespace(sovereignName(size.sovereigns - 1));
  const RBAC = "rbac.authorization.k8s.io/v1";
  return [
    denied("scale in a Sovereign's namespace", scaled(sovereign, franchisee)),
    denied("scale in a foreign environment", scaled(environmentName(1), stranger)),
    denied(
      "bind a cluster role",
      review(
        "CREATE",
        { version: RBAC, kind: "ClusterRoleBinding", resource: "clusterrolebindings", name: "mine" },
        franchisee,
        {
          object: {
            ...{ apiVersion: RBAC, kind: "ClusterRoleBinding" },
            metadata: metadata("mine"),
            roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
            subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: franchisee.username }],
          },
        },
      ),
    ),
    denied(
      "execute in a Pod of kube-system",
      review(
        "CONNECT",
        {
          version: "v1",
          kind: "PodExecOptions",
          resource: "pods",
          subresource: "exec",
          namespace: "kube-system",
          name: "coredns-0",
        },
        stranger,
        {
          object: {
            kind: "PodExecOptions",
            apiVersion: "v1",
            stdin: true,
            stdout: true,
            tty: true,
            container: "coredns",
            command: ["sh"],
          },
        },
      ),
    ),
    denied(
      "run an image by tag",
      review(
        "CREATE",
        { version: "v1", kind: "Pod", resource: "pods", namespace: ordinaryName(0), name: "app-0" },
        stranger,
        {
          object: pod("app-0", ordinaryName(0), "registry.bench/shop:latest"),
        },
      ),
    ),
    denied(
      "install by a Kustomization",
      review(
        "CREATE",
        {
          version: "kustomize.toolkit.fluxcd.io/v1",
          kind: "Kustomization",
          resource: "kustomizations",
          namespace: ordinaryName(1),
          name: "apps",
        },
        franchisee,
        {
          object: {
            ...{ apiVersion: "kustomize.toolkit.fluxcd.io/v1", kind: "Kustomization" },
            metadata: metadata("apps", ordinaryName(1)),
            spec: {
              interval: "10m",
              path: "./apps",
              prune: true,
              sourceRef: { kind: "GitRepository", name: "apps" },
            },
          },
        },
      ),
    ),
  ];
}

/** Requests that pass without a look at a registry, in one place of each kind. */
export function allowedReviews(size: FleetSize): SentReview[] {
  const owner = { username: "owner-0", groups: ["developers", "on-call"] };
  const home = organizationNamespace(organizationName(0));
  const country = size.sovereigns - 1;
  const franchisee = { username: `${franchiseName(country % size.franchises)}-admin` };
  const certManager = {
    username: "system:serviceaccount:cert-manager:cert-manager",
    groups: ["system:serviceaccounts", "system:serviceaccounts:cert-manager"],
  };
  const certificate = {
    ...{ apiVersion: "cert-manager.io/v1", kind: "Certificate" },
    metadata: metadata("site", environmentName(0)),
    spec: {
      secretName: "site-tls",
      dnsNames: ["site.example"],
      issuerRef: { name: "public", kind: "ClusterIssuer" },
    },
  };
  const sovereign = {
    ...{ apiVersion: API_VERSION, kind: "Sovereign" },
    metadata: metadata(sovereignName(country)),
    spec: sovereignSpec(country, size.franchises),
  };
  return [
    allowed("scale in one's environment", scaled(environmentName(0), owner)),
    allowed("scale in an ordinary namespace", scaled(ordinaryName(0), owner)),
    allowed(
      "create a ConfigMap at home",
      review(
        "CREATE",
        { version: "v1", kind: "ConfigMap", resource: "configmaps", namespace: home, name: "settings" },
        owner,
        {
          object: {
            ...{ apiVersion: "v1", kind: "ConfigMap" },
            metadata: metadata("settings", home),
            data: { colour: "red", text: "x".repeat(1_000) },
          },
        },
      ),
    ),
    allowed(
      "write a Certificate's status",
      review(
        "UPDATE",
        {
          version: "cert-manager.io/v1",
          kind: "Certificate",
          resource: "certificates",
          subresource: "status",
          namespace: environmentName(0),
          name: "site",
        },
        certManager,
        { object: { ...certificate, status: { notAfter: "2027-01-01T00:00:00Z" } }, oldObject: certificate },
      ),
    ),
    allowed(
      "set a Sovereign's colour",
      review(
        "UPDATE",
        { version: API_VERSION, kind: "Sovereign", resource: `sovereigns`, name: sovereignName(country) },
        franchisee,
        {
          object: {
            ...sovereign,
            spec: { ...sovereign.spec, branding: { ...sovereign.spec.branding, colour: "#00ff00" } },
          },
          oldObject: sovereign,
        },
      ),
    ),
    allowed(
      "create an ordinary namespace",
      review(
        "CREATE",
        { version: "v1", kind: "Namespace", resource: "namespaces", namespace: "team-new", name: "team-new" },
        owner,
        {
          object: {
            ...{ apiVersion: "v1", kind: "Namespace" },
            metadata: metadata("team-new"),
            spec: { finalizers: ["kubernetes"] },
          },
        },
      ),
    ),
  ];
}

/** Pods whose images the platform signed; each names another image of the bench's registry. */
export const signedReviews = (first: number, count: number): SentReview[] =>
  Array.from({ length: count }, (_, index) => {
    const namespace = ordinaryName(0);
    const name = `app-${first + index}`;
    return allowed(
      "run a signed image",
      review(
        "CREATE",
        { version: "v1", kind: "Pod", resource: "pods", namespace, name },
        { username: "owner-0" },
        {
          object: pod(name, namespace, imageOf(first + index)),
        },
      ),
    );
  });

/** An object as large as the API server accepts, from a member of the Organization whose environment it is. */
export function largeReview(): SentReview {
  const namespace = environmentName(0);
  const data = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, index) => [`file-${index}`, "x".repeat(1_000)]),
  );
  const large = allowed(
    "create an object of 3 MiB",
    review(
      "CREATE",
      { version: "v1", kind: "ConfigMap", resource: "configmaps", namespace, name: "large" },
      { username: "owner-0" },
      {
        object: { ...{ apiVersion: "v1", kind: "ConfigMap" }, metadata: metadata("large", namespace), data },
      },
    ),
  );
  return { ...large, mayTimeOut: true };
}
