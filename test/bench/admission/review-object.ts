interface Target {
  version: string;
  kind: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name: string;
}

type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** Builds an AdmissionReview as kube-apiserver writes it. */
export function review(
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

/** The managed fields of server-side apply. They are half of an ordinary object's size. */
const managedFields = (fields: object) =>
  ["kubectl-client-side-apply", "kube-controller-manager"].map((manager) => ({
    ...{ manager, operation: "Update", apiVersion: "apps/v1", time: "2026-11-24T12:00:00Z" },
    ...{ fieldsType: "FieldsV1", fieldsV1: fields },
  }));

export const metadata = (name: string, namespace?: string, more: object = {}) => ({
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

/** A container that violates no rule, except that its image may. */
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

export function deployment(name: string, namespace: string, image: string, replicas: number): object {
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

export const DEPLOYMENT = { version: "apps/v1", kind: "Deployment", resource: "deployments" };
export const pod = (name: string, namespace: string, image: string) => ({
  ...{ apiVersion: "v1", kind: "Pod" },
  metadata: metadata(name, namespace, { managedFields: managedFields(fieldsOf(podSpec(image))) }),
  spec: podSpec(image),
});
