import { applyConfigurationDefaults } from "../admission/configuration-default.ts";
import { type ApiObject, fill, type JsonObject, listOf, recordOf, recordsOf } from "../object.ts";

type Defaults = (object: JsonObject) => void;

function probe(value: unknown): void {
  if (value === undefined) return;
  const target = recordOf(value);
  fill(target, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  const http = target.httpGet;
  if (http !== undefined) fill(recordOf(http), { path: "/", scheme: "HTTP" });
  if (target.grpc !== undefined) fill(recordOf(target.grpc), { service: "" });
}

function container(target: JsonObject): void {
  const image = String(target.image ?? "");
  const latest = !image.includes("@") && /^(?:[^:]|:\d+\/)*(?::latest)?$/.test(image);
  fill(target, {
    imagePullPolicy: latest ? "Always" : "IfNotPresent",
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    resources: {},
  });
  // Without a request, the limit is also the request.
  const resources = recordOf(target.resources);
  if (resources.limits !== undefined) {
    resources.requests = { ...recordOf(resources.limits), ...recordOf(resources.requests) };
  }
  for (const port of recordsOf(target.ports)) fill(port, { protocol: "TCP" });
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"]) probe(target[name]);
  for (const env of recordsOf(target.env)) {
    const fieldRef = recordOf(env.valueFrom).fieldRef;
    if (fieldRef !== undefined) fill(recordOf(fieldRef), { apiVersion: "v1" });
  }
  for (const hook of Object.values(recordOf(target.lifecycle))) {
    const http = recordOf(hook).httpGet;
    if (http !== undefined) fill(recordOf(http), { path: "/", scheme: "HTTP" });
  }
}

const MODE_0644 = 420;

function volume(target: JsonObject): void {
  for (const name of ["secret", "configMap", "downwardAPI", "projected"]) {
    if (target[name] !== undefined) fill(recordOf(target[name]), { defaultMode: MODE_0644 });
  }
  for (const source of recordsOf(recordOf(target.projected).sources)) {
    if (source.serviceAccountToken !== undefined)
      fill(recordOf(source.serviceAccountToken), { expirationSeconds: 3600 });
    for (const item of recordsOf(recordOf(source.downwardAPI).items)) {
      if (item.fieldRef !== undefined) fill(recordOf(item.fieldRef), { apiVersion: "v1" });
    }
  }
}

function podSpec(spec: JsonObject): void {
  for (const target of [...recordsOf(spec.containers), ...recordsOf(spec.initContainers)]) container(target);
  for (const target of recordsOf(spec.volumes)) volume(target);
  fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
  });
  if (spec.serviceAccountName !== undefined) fill(spec, { serviceAccount: spec.serviceAccountName });
  else if (spec.serviceAccount !== undefined) spec.serviceAccountName = spec.serviceAccount;
}

const template = (spec: JsonObject) => {
  const pod = recordOf(spec.template);
  if (pod.spec !== undefined) podSpec(recordOf(pod.spec));
};

function job(spec: JsonObject): void {
  template(spec);
  const parallel = spec.parallelism !== undefined || spec.completions !== undefined;
  fill(spec, {
    parallelism: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: "TerminatingOrFailed",
  });
  if (!parallel) spec.completions ??= 1;
}

const RBAC = "rbac.authorization.k8s.io";
function binding(object: JsonObject): void {
  if (object.roleRef !== undefined) fill(recordOf(object.roleRef), { apiGroup: RBAC });
  for (const subject of recordsOf(object.subjects)) {
    if (subject.kind !== "ServiceAccount") fill(subject, { apiGroup: RBAC });
  }
}

const onSpec = (defaults: (spec: JsonObject) => void): Defaults => {
  return (object) => {
    if (object.spec !== undefined) defaults(recordOf(object.spec));
  };
};

const TABLE: Record<string, Defaults> = {
  "/pods": onSpec((spec) => {
    podSpec(spec);
    fill(spec, { enableServiceLinks: true });
  }),
  "/secrets": (object) => {
    fill(object, { type: "Opaque" });
    const plain = Object.entries(recordOf(object.stringData));
    if (plain.length > 0) {
      object.data = {
        ...recordOf(object.data),
        ...Object.fromEntries(
          plain.map(([name, text]) => [name, Buffer.from(String(text)).toString("base64")]),
        ),
      };
    }
    delete object.stringData;
  },
  "/services": onSpec((spec) => {
    fill(spec, { type: "ClusterIP", sessionAffinity: "None" });
    for (const port of recordsOf(spec.ports)) fill(port, { protocol: "TCP", targetPort: port.port });
    if (spec.type !== "ExternalName") fill(spec, { internalTrafficPolicy: "Cluster" });
  }),
  "/namespaces": (object) => {
    const metadata = recordOf(object.metadata);
    if (metadata.name)
      metadata.labels = { ...recordOf(metadata.labels), "kubernetes.io/metadata.name": metadata.name };
  },
  "apps/deployments": onSpec((spec) => {
    template(spec);
    fill(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    const strategy = recordOf(spec.strategy);
    fill(strategy, { type: "RollingUpdate" });
    if (strategy.type === "RollingUpdate") {
      fill(strategy, { rollingUpdate: {} });
      fill(recordOf(strategy.rollingUpdate), { maxUnavailable: "25%", maxSurge: "25%" });
    }
  }),
  "apps/replicasets": onSpec((spec) => {
    template(spec);
    fill(spec, { replicas: 1 });
  }),
  "apps/statefulsets": onSpec((spec) => {
    template(spec);
    fill(spec, {
      replicas: 1,
      podManagementPolicy: "OrderedReady",
      revisionHistoryLimit: 10,
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    });
  }),
  "apps/daemonsets": onSpec((spec) => {
    template(spec);
    fill(spec, {
      revisionHistoryLimit: 10,
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    });
  }),
  "batch/jobs": onSpec(job),
  "batch/cronjobs": onSpec((spec) => {
    fill(spec, {
      concurrencyPolicy: "Allow",
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    const inner = recordOf(spec.jobTemplate).spec;
    if (inner !== undefined) template(recordOf(inner));
  }),
  "networking.k8s.io/networkpolicies": onSpec((spec) => {
    const egress = listOf(spec.egress).length > 0 ? ["Egress"] : [];
    fill(spec, { policyTypes: ["Ingress", ...egress] });
    for (const rule of [...recordsOf(spec.ingress), ...recordsOf(spec.egress)]) {
      for (const port of recordsOf(rule.ports)) fill(port, { protocol: "TCP" });
    }
  }),
  [`${RBAC}/rolebindings`]: binding,
  [`${RBAC}/clusterrolebindings`]: binding,
  "admissionregistration.k8s.io/validatingwebhookconfigurations": applyConfigurationDefaults,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": applyConfigurationDefaults,
  "admissionregistration.k8s.io/validatingadmissionpolicies": applyConfigurationDefaults,
  "admissionregistration.k8s.io/validatingadmissionpolicybindings": applyConfigurationDefaults,
  "apiextensions.k8s.io/customresourcedefinitions": onSpec((spec) => {
    const names = recordOf(spec.names);
    if (typeof names.kind === "string")
      fill(names, { singular: names.kind.toLowerCase(), listKind: `${names.kind}List` });
    fill(spec, { conversion: { strategy: "None" } });
  }),
};

/** Sets the defaults of a built-in object in place, as far as this server needs them. */
export function applyBuiltinDefaults(storage: string, object: ApiObject | JsonObject): void {
  TABLE[storage]?.(object as JsonObject);
}
