import {
  type Attempt,
  apply,
  core,
  group,
  jsonPatch,
  mergePatch,
  on,
  onReal,
  post,
  remove,
} from "./attempt.ts";
import {
  accountToken,
  configMap,
  cronJob,
  daemonSet,
  deployment,
  helmRelease,
  ingress,
  job,
  named,
  ociRepository,
  pod,
  role,
  roleBinding,
  SIGNED,
  secret,
  service,
  serviceAccount,
  statefulSet,
  tokenRequest,
  widget,
} from "./object.ts";
import type { Person } from "./person.ts";

const RBAC = "rbac.authorization.k8s.io/v1";
const OCI = "source.toolkit.fluxcd.io/v1";
const HELM = "helm.toolkit.fluxcd.io/v2";

const can = (title: string, by: Person, request: Attempt["request"]) => on(title, by, request, "allowed");
const canReal = (title: string, by: Person, request: Attempt["request"]) =>
  onReal(title, by, request, "allowed");

const ENVIRONMENT = "acme-prod";
const workOf = (by: Person, prefix: string): Attempt[] => [
  can(
    `runs a Deployment`,
    by,
    post(group("apps/v1", ENVIRONMENT, "deployments"), deployment(`${prefix}-web`)),
  ),
  can(
    "scales its Deployment",
    by,
    mergePatch(group("apps/v1", ENVIRONMENT, `deployments/${prefix}-web/scale`), { spec: { replicas: 3 } }),
  ),
  can(
    "applies its Deployment again",
    by,
    apply(group("apps/v1", ENVIRONMENT, `deployments/${prefix}-web`), deployment(`${prefix}-web`)),
  ),
  can("deletes its Deployment", by, remove(group("apps/v1", ENVIRONMENT, `deployments/${prefix}-web`))),
  can("runs a Job", by, post(group("batch/v1", ENVIRONMENT, "jobs"), job(`${prefix}-job`))),
  can("writes a ConfigMap", by, post(core(ENVIRONMENT, "configmaps"), configMap(`${prefix}-settings`))),
  can(
    "patches its ConfigMap",
    by,
    jsonPatch(core(ENVIRONMENT, `configmaps/${prefix}-settings`), [
      { op: "replace", path: "/data/colour", value: "blue" },
    ]),
  ),
  can("deletes its ConfigMap", by, remove(core(ENVIRONMENT, `configmaps/${prefix}-settings`))),
  can("writes a Secret", by, post(core(ENVIRONMENT, "secrets"), secret(`${prefix}-key`))),
  can("creates a Service", by, post(core(ENVIRONMENT, "services"), service(`${prefix}-web`))),
  can(
    "installs an OCIRepository",
    by,
    post(group(OCI, ENVIRONMENT, "ocirepositories"), ociRepository(`${prefix}-shop`)),
  ),
  can(
    "installs a HelmRelease",
    by,
    post(group(HELM, ENVIRONMENT, "helmreleases"), helmRelease(`${prefix}-shop`)),
  ),
];

export const ALLOWED_MEMBER: readonly Attempt[] = [
  ...workOf("amal", "amal"),
  ...workOf("developer", "dana"),
  ...workOf("acmeAccount", "robot"),
  can(
    "runs a Deployment in the home",
    "amal",
    post(group("apps/v1", "org-acme", "deployments"), deployment("web")),
  ),
  can("runs a StatefulSet", "amal", post(group("apps/v1", ENVIRONMENT, "statefulsets"), statefulSet("db"))),
  can("runs a DaemonSet", "amal", post(group("apps/v1", ENVIRONMENT, "daemonsets"), daemonSet("agent"))),
  can("runs a CronJob", "amal", post(group("batch/v1", ENVIRONMENT, "cronjobs"), cronJob("nightly"))),
  can("runs a Pod", "amal", post(core(ENVIRONMENT, "pods"), pod("once"))),
  can("deletes its Pod", "amal", remove(core(ENVIRONMENT, "pods/once"))),
  can(
    "creates a custom kind with a signed image",
    "amal",
    post(group("example.org/v1", ENVIRONMENT, "widgets"), widget("ours")),
  ),
  can(
    "creates a ServiceAccount",
    "amal",
    post(core(ENVIRONMENT, "serviceaccounts"), serviceAccount("deployer")),
  ),
  can(
    "requests a token of its ServiceAccount",
    "amal",
    post(core(ENVIRONMENT, "serviceaccounts/deployer/token"), tokenRequest),
  ),
  can(
    "writes a token Secret of its ServiceAccount",
    "amal",
    post(core(ENVIRONMENT, "secrets"), secret("deployer-token", accountToken("deployer"))),
  ),
  can(
    "creates a Role",
    "amal",
    post(
      group(RBAC, ENVIRONMENT, "roles"),
      role("deployer", { apiGroups: ["apps"], resources: ["deployments"], verbs: ["*"] }),
    ),
  ),
  can(
    "gives a colleague a role",
    "amal",
    post(group(RBAC, ENVIRONMENT, "rolebindings"), roleBinding("colleague", "view", "dana")),
  ),
  can(
    "creates an Ingress of its own host",
    "amal",
    post(group("networking.k8s.io/v1", ENVIRONMENT, "ingresses"), ingress("web", "www.acme.test.example")),
  ),
  can(
    "creates a route of its own host",
    "amal",
    post(
      group("gateway.networking.k8s.io/v1", ENVIRONMENT, "httproutes"),
      named("gateway.networking.k8s.io/v1", "HTTPRoute", "web", {
        spec: { hostnames: ["www.acme.test.example"] },
      }),
    ),
  ),
  can(
    "mounts Secrets, claims and a signed image",
    "amal",
    post(
      core(ENVIRONMENT, "pods"),
      pod("mounts", SIGNED, {
        volumes: [
          { name: "key", secret: { secretName: "credentials" } },
          { name: "data", persistentVolumeClaim: { claimName: "data" } },
          { name: "tmp", emptyDir: {} },
          { name: "model", image: { reference: SIGNED } },
        ],
      }),
    ),
  ),
  can(
    "runs a hardened Pod with probes",
    "amal",
    post(
      core(ENVIRONMENT, "pods"),
      pod("hardened", SIGNED, {
        securityContext: {
          runAsNonRoot: true,
          seccompProfile: { type: "RuntimeDefault" },
          seLinuxOptions: { type: "container_t", level: "s0:c1,c2" },
          sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
        },
        containers: [
          {
            name: "app",
            image: SIGNED,
            ports: [{ containerPort: 8080 }],
            livenessProbe: { httpGet: { path: "/", port: 8080 } },
            securityContext: {
              allowPrivilegeEscalation: false,
              capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
            },
          },
        ],
      }),
    ),
  ),
  onReal(
    "executes in its Pod",
    "amal",
    post(core(ENVIRONMENT, "pods/app-0/exec?command=ls&stdout=true")),
    "connected",
  ),
  onReal(
    "forwards a port of its Pod",
    "developer",
    post(core(ENVIRONMENT, "pods/app-0/portforward")),
    "connected",
  ),
  onReal(
    "executes in a Pod of an ordinary namespace",
    "stranger",
    post(core("shop", "pods/app-0/exec?command=ls&stdout=true")),
    "connected",
  ),
  canReal(
    "limits its environment",
    "amal",
    post(core(ENVIRONMENT, "limitranges"), named("v1", "LimitRange", "small", { spec: { limits: [] } })),
  ),
  canReal(
    "scales by load",
    "amal",
    post(
      group("autoscaling/v2", ENVIRONMENT, "horizontalpodautoscalers"),
      named("autoscaling/v2", "HorizontalPodAutoscaler", "app", {
        spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "app" }, maxReplicas: 3 },
      }),
    ),
  ),
];
