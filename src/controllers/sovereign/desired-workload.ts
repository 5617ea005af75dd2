import { ANNOTATION } from "../../api/label.ts";
import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import { deadlineMs } from "./desired-deadline.ts";
import { metadataOf, ownershipLabels, selectorLabels } from "./desired-metadata.ts";
import { billingEnvironment, CONTAINER_SECURITY } from "./desired-pod.ts";
import { podSettings } from "./desired-pod-setting.ts";

const DEFAULT_RESOURCES = { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "512Mi" } };

/** The seconds that a Pod may need after its drain to finish requests and close its database connections. */
const FINISH_SECONDS = 20;

interface WorkloadOptions {
  drainSeconds?: number;
  isAutoscaled?: boolean;
}

/**
 * Deployment, Service, PodDisruptionBudget, NetworkPolicy, and the Ingress if the spec asks for one. `secrets` is the
 * digest of the Secrets that the Pods start with: another value starts new Pods. After SIGTERM, a Pod reports that it is
 * not ready and continues to serve for `drainSeconds`. While an autoscaler sets the number of replicas, it is left out.
 */
export function desiredWorkload(
  sovereign: Sovereign,
  image: string,
  secrets: string | undefined,
  { drainSeconds = BILLING.drainSeconds, isAutoscaled = false }: WorkloadOptions = {},
): KubernetesObject[] {
  return [
    desiredDeployment(sovereign, image, secrets, { drainSeconds, isAutoscaled }),
    desiredService(sovereign),
    desiredDisruptionBudget(sovereign),
    desiredNetworkPolicy(sovereign),
    ...desiredIngress(sovereign),
  ];
}

function desiredDeployment(
  sovereign: Sovereign,
  image: string,
  secrets: string | undefined,
  { drainSeconds, isAutoscaled }: Required<WorkloadOptions>,
): KubernetesObject {
  const labels = { ...ownershipLabels(sovereign), ...selectorLabels("billing") };
  const annotations = {
    ...sovereign.spec.billing.podAnnotations,
    ...(secrets === undefined ? {} : { [ANNOTATION.secrets]: secrets }),
  };
  const http = (path: string) => ({ httpGet: { path, port: BILLING.portName } });
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadataOf(sovereign, BILLING.workload),
    spec: {
      ...(isAutoscaled ? {} : { replicas: sovereign.spec.billing.replicas }),
      progressDeadlineSeconds: progressDeadlineSeconds(sovereign),
      selector: { matchLabels: selectorLabels("billing") },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          labels,
          ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
        },
        spec: {
          serviceAccountName: BILLING.workload,
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: drainSeconds + FINISH_SECONDS,
          ...podSettings(sovereign),
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: selectorLabels("billing") },
            },
          ],
          containers: [
            {
              name: BILLING.workload,
              image,
              args: ["billing"],
              // Shows why a container crashed: the operator copies the last line into condition RolledOut.
              terminationMessagePolicy: "FallbackToLogsOnError",
              env: billingEnvironment(sovereign, drainSeconds),
              ports: [{ name: BILLING.portName, containerPort: BILLING.port, protocol: "TCP" }],
              startupProbe: { ...http("/healthz"), periodSeconds: 1, failureThreshold: START_SECONDS },
              livenessProbe: {
                ...http("/healthz"),
                ...{ periodSeconds: 10, timeoutSeconds: 5, terminationGracePeriodSeconds: FROZEN_SECONDS },
              },
              readinessProbe: { ...http("/readyz"), periodSeconds: 2, timeoutSeconds: 5 },
              resources: sovereign.spec.billing.resources ?? DEFAULT_RESOURCES,
              securityContext: CONTAINER_SECURITY,
              volumeMounts: [{ name: "config", mountPath: BILLING.configPath, readOnly: true }],
            },
          ],
          volumes: [{ name: "config", configMap: { name: BILLING.configMap } }],
        },
      },
    },
  } as KubernetesObject;
}

/** A Pod starts in seconds. On a busy node it takes longer, and a restart would only add to the load. */
const START_SECONDS = 300;
/** The grace period of a process that failed its liveness probe. It does not answer, so a drain would achieve nothing. */
const FROZEN_SECONDS = 5;

/** The largest allowed value, in place of no deadline. */
const NO_DEADLINE_SECONDS = 2 ** 31 - 1;

function progressDeadlineSeconds(sovereign: Sovereign): number {
  const seconds = deadlineMs(sovereign, "rollout") / 1_000;
  return seconds === 0 ? NO_DEADLINE_SECONDS : Math.min(seconds, NO_DEADLINE_SECONDS);
}

function desiredService(sovereign: Sovereign): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadataOf(sovereign, BILLING.workload),
    spec: {
      type: "ClusterIP",
      // Only the platform may write these labels, so no other Pod receives requests for vouchers.
      selector: { ...ownershipLabels(sovereign), ...selectorLabels("billing") },
      ports: [{ name: BILLING.portName, port: BILLING.port, targetPort: BILLING.portName, protocol: "TCP" }],
    },
  } as KubernetesObject;
}

function desiredDisruptionBudget(sovereign: Sovereign): KubernetesObject {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadataOf(sovereign, BILLING.workload),
    // Pods that are not ready must not hold up the drain of a node: they serve no requests.
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: selectorLabels("billing") },
    },
  } as KubernetesObject;
}

/**
 * Opens only the port of the voucher API. Every client may connect, because the API is public and checks its callers
 * itself.
 */
function desiredNetworkPolicy(sovereign: Sovereign): KubernetesObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadataOf(sovereign, BILLING.workload),
    spec: {
      podSelector: { matchLabels: selectorLabels("billing") },
      policyTypes: ["Ingress"],
      ingress: [{ ports: [{ port: BILLING.port, protocol: "TCP" }] }],
    },
  } as KubernetesObject;
}

function desiredIngress(sovereign: Sovereign): KubernetesObject[] {
  const ingress = sovereign.spec.billing.ingress;
  if (ingress === undefined) return [];
  const { host, className, tlsSecretName, rateLimitPerSecond } = ingress;
  const metadata = metadataOf(sovereign, BILLING.workload);
  const backend = { service: { name: BILLING.workload, port: { name: BILLING.portName } } };
  const paths = ["/billing", "/redeem", "/admin", "/openapi.json"].map((path) => ({
    path,
    pathType: "Prefix",
    backend,
  }));
  return [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: {
        ...metadata,
        ...(rateLimitPerSecond === undefined
          ? {}
          : { annotations: { "nginx.ingress.kubernetes.io/limit-rps": String(rateLimitPerSecond) } }),
      },
      spec: {
        ...(className === undefined ? {} : { ingressClassName: className }),
        ...(tlsSecretName === undefined ? {} : { tls: [{ hosts: [host], secretName: tlsSecretName }] }),
        rules: [{ host, http: { paths } }],
      },
    } as KubernetesObject,
  ];
}

/** The URL of the voucher API. */
export function urlOf(sovereign: Sovereign, namespace: string): string {
  const ingress = sovereign.spec.billing.ingress;
  if (ingress === undefined) return `http://${BILLING.workload}.${namespace}.svc:${BILLING.port}`;
  return `${ingress.tlsSecretName === undefined ? "http" : "https"}://${ingress.host}`;
}
