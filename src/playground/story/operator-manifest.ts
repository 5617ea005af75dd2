import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../api/object.ts";

const NAMESPACE = "catalyst-system";
const OPERATOR = "catalyst-operator";
const DRAIN_SECONDS = "1";
const PORTS = { webhook: 9443, api: 8085, http: 8080 };

export interface OperatorInstallation {
  /** `repository@sha256:…` of the catalyst image. */
  image: string;
  /** `HOST=ORIGIN`, comma-separated: the origin on this machine of each registry host that the manifests name. */
  registryMirrors: string;
  /** The chart's folder with the roles. The operator, and everyone bound to a role, has the same rights here as in a cluster. */
  manifestFolder: string;
  /** The native policies, which protect the webhook while it is down. The chart ships the same files. */
  policyFolder: string;
  /** On a spoke: the chart's folder with the hub's account and its rights, as `hub.access` creates them. */
  hubAccessFolder?: string;
}

/** The objects that `helm install` creates, with one replica of the operator. */
export function desiredOperatorManifests(installation: OperatorInstallation): KubernetesObject[] {
  const isOfOperator = (file: string) => file.startsWith("operator-");
  const roles = readManifests(installation.manifestFolder, isOfOperator);
  const labels = { "app.kubernetes.io/name": OPERATOR };
  const http = (path: string) => ({ httpGet: { path, port: PORTS.http } });
  return [
    ...readManifests(installation.policyFolder),
    namespace(NAMESPACE),
    namespace("catalog"),
    namespace("catalog-sovereign"),
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: OPERATOR, namespace: NAMESPACE } },
    ...readManifests(installation.manifestFolder, (file) => !isOfOperator(file)),
    ...(installation.hubAccessFolder === undefined ? [] : readManifests(installation.hubAccessFolder)),
    ...roles.flatMap((role) => [role, bindingToOperator(role)]),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: OPERATOR, namespace: NAMESPACE, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: OPERATOR,
            terminationGracePeriodSeconds: 15,
            containers: [
              {
                name: "operator",
                image: installation.image,
                args: [
                  "operator",
                  "--webhook-url=https://$(POD_IP):9443",
                  `--operator-url=http://$(POD_IP):${PORTS.api}`,
                ],
                env: [
                  { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
                  { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
                  // Only this machine sends requests, so a short drain is enough and Ctrl-C ends the playground quickly.
                  { name: "DRAIN_SECONDS", value: DRAIN_SECONDS },
                  { name: "BILLING_DRAIN_SECONDS", value: DRAIN_SECONDS },
                  { name: "REGISTRY_MIRRORS", value: installation.registryMirrors },
                ],
                ports: Object.entries(PORTS).map(([name, containerPort]) => ({ name, containerPort })),
                startupProbe: { ...http("/healthz"), periodSeconds: 1, failureThreshold: 60 },
                livenessProbe: { ...http("/healthz"), periodSeconds: 10 },
                readinessProbe: { ...http("/readyz"), periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
  ] as KubernetesObject[];
}

/** The binding of a role of the operator, as in the chart's templates/role.yaml. */
function bindingToOperator({ kind, metadata: { name, namespace } }: KubernetesObject): KubernetesObject {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: `${kind}Binding`,
    metadata: { name: OPERATOR, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name },
    subjects: [{ kind: "ServiceAccount", name: OPERATOR, namespace: NAMESPACE }],
  } as KubernetesObject;
}

function readManifests(folder: string, isWanted = (_file: string) => true): KubernetesObject[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml") && isWanted(file))
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), "utf8")))
    .map((document) => document.toJS() as KubernetesObject);
}

function namespace(name: string): KubernetesObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } } as KubernetesObject;
}
