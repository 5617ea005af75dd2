import { type Attempt, apply, core, group, on, onReal, post } from "./attempt.ts";
import { CHART_KINDS } from "./chart-kind.ts";
import { HOMES } from "./destination.ts";
import { annotatedDeployment, deployment, job, named, role, SIGNED, service, statefulSet } from "./object.ts";

const RBAC = "rbac.authorization.k8s.io/v1";
const DNS = "external-dns.alpha.kubernetes.io";

/** What charts that are in wide use create in a namespace of a team's own. */
export const ALLOWED_CHART: readonly Attempt[] = HOMES.flatMap(([by, at]) => {
  const can = (title: string, request: Attempt["request"]) => on(`${title} in ${at}`, by, request, "allowed");
  const canReal = (title: string, request: Attempt["request"]) =>
    onReal(`${title} in ${at}`, by, request, "allowed");
  return [
    ...CHART_KINDS.map(([title, version, plural, kind, spec], index) =>
      can(
        title,
        post(group(version, at, plural), named(version, kind, `chart-${index}`, { spec: spec(at) })),
      ),
    ),
    can(
      "runs an ingress controller of its own (ingress-nginx)",
      post(
        group("apps/v1", at, "deployments"),
        deployment("own-ingress", SIGNED, {
          serviceAccountName: "robot",
          containers: [
            {
              name: "controller",
              image: SIGNED,
              args: ["/nginx-ingress-controller", `--watch-namespace=${at}`, "--ingress-class=own"],
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { add: ["NET_BIND_SERVICE"], drop: ["ALL"] },
                runAsUser: 101,
                seccompProfile: { type: "RuntimeDefault" },
              },
              ports: [{ containerPort: 80 }, { containerPort: 8443, name: "webhook" }],
              livenessProbe: { httpGet: { path: "/healthz", port: 10254 } },
              lifecycle: { preStop: { exec: { command: ["/wait-shutdown"] } } },
            },
          ],
          topologySpreadConstraints: [
            {
              ...{ maxSkew: 1, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway" },
              labelSelector: { matchLabels: { app: "own-ingress" } },
            },
          ],
        }),
      ),
    ),
    can(
      "exposes its ingress controller by a load balancer (ingress-nginx)",
      post(core(at, "services"), {
        ...service("own-ingress", {
          type: "LoadBalancer",
          externalTrafficPolicy: "Local",
          loadBalancerSourceRanges: ["198.51.100.0/24"],
        }),
        metadata: {
          name: "own-ingress",
          annotations: {
            "service.beta.kubernetes.io/aws-load-balancer-type": "external",
            [`${DNS}/hostname`]: "*.team.example",
            [`${DNS}/ttl`]: "60",
          },
        },
      }),
    ),
    can(
      "keeps the state of its deployments (argo-cd)",
      post(
        group("apps/v1", at, "statefulsets"),
        statefulSet("argocd-redis", SIGNED, {
          initContainers: [{ name: "copyutil", image: SIGNED, command: ["cp", "-n", "/usr/bin/x", "/x"] }],
          volumes: [
            { name: "plugins", emptyDir: {} },
            { name: "known-hosts", configMap: { name: "ssh-known-hosts", optional: true } },
            { name: "tls", projected: { sources: [{ secret: { name: "tls" } }] } },
          ],
        }),
      ),
    ),
    can(
      "grants its controller what its namespace holds (argo-cd)",
      post(
        group(RBAC, at, "roles"),
        role(
          "argocd-server",
          {
            apiGroups: [""],
            resources: ["secrets", "configmaps"],
            verbs: ["create", "get", "list", "watch", "update", "patch", "delete"],
          },
          { apiGroups: [""], resources: ["events"], verbs: ["create", "list"] },
          { apiGroups: ["apps"], resources: ["deployments", "deployments/scale"], verbs: ["*"] },
        ),
      ),
    ),
    can(
      "waits for an API by the hook of a chart (cert-manager)",
      post(group("batch/v1", at, "jobs"), {
        ...job("startupapicheck"),
        metadata: {
          name: "startupapicheck",
          annotations: {
            "helm.sh/hook": "post-install",
            "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
          },
        },
      }),
    ),
    can(
      "has its volumes backed up with a command before (Velero)",
      post(
        group("apps/v1", at, "deployments"),
        annotatedDeployment("backed-up", {
          "backup.velero.io/backup-volumes": "data",
          "pre.hook.backup.velero.io/command": '["/bin/sh","-c","pg_dump > /data/dump.sql"]',
        }),
      ),
    ),
    can(
      "joins the mesh with a template's labels and annotations (Istio ambient)",
      post(
        group("apps/v1", at, "deployments"),
        annotatedDeployment("meshed", {
          "ambient.istio.io/redirection": "enabled",
          "prometheus.io/scrape": "true",
          "prometheus.io/port": "9090",
        }),
      ),
    ),
    can(
      "applies the labels of a Service for a waypoint (Istio ambient)",
      apply(core(at, "services/waypointed"), {
        ...service("waypointed"),
        metadata: { name: "waypointed", labels: { "istio.io/use-waypoint": "waypoint" } },
      }),
    ),
    canReal(
      "keeps its metrics on a claimed volume (kube-prometheus-stack)",
      post(group("apps/v1", at, "statefulsets"), {
        ...statefulSet("prometheus"),
        spec: {
          ...statefulSet("prometheus").spec,
          volumeClaimTemplates: [
            {
              metadata: { name: "data" },
              spec: {
                accessModes: ["ReadWriteOnce"],
                storageClassName: "standard",
                volumeAttributesClassName: "fast",
                resources: { requests: { storage: "1Gi" } },
              },
            },
          ],
        },
      }),
    ),
    canReal(
      "restores a claim from a snapshot of its own (Velero)",
      post(
        core(at, "persistentvolumeclaims"),
        named("v1", "PersistentVolumeClaim", "restored", {
          spec: {
            accessModes: ["ReadWriteOnce"],
            resources: { requests: { storage: "1Gi" } },
            dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "nightly" },
          },
        }),
      ),
    ),
  ];
});
