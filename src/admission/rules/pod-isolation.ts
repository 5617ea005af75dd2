import { annotationsOf, listOf, mapOf, textOf } from "../../api/object.ts";
import { newProblems, type Problem } from "./change.ts";
import { handlerEscapes } from "./container-handler.ts";
import type { ClusterFacts, Violation } from "./fact.ts";
import { surveyOf } from "./object-survey.ts";
import { NETWORK_ANNOTATIONS, networkEscapes } from "./pod-network.ts";
import { containersOf, type FoundPodSpec } from "./pod-template.ts";
import { type AdmissionInput, storesObject } from "./request.ts";
import { annotationEscapes, securityEscapes } from "./security-context.ts";

const HOST_NAMESPACES = ["hostNetwork", "hostPID", "hostIPC"];

/** Kinds of volumes that Pods may mount: those of the restricted Pod Security Standard, and images. */
export const VOLUMES = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

/**
 * Drivers of inline volumes that give a Pod only its own Secrets and certificates, in every installation. Another driver
 * may mount any volume that a Pod names, so the platform adds the safe ones to this list.
 */
export const INLINE_DRIVERS = [
  "secrets-store.csi.k8s.io",
  "csi.cert-manager.io",
  "spiffe.csi.cert-manager.io",
  "csi.spiffe.io",
];

/** Capabilities that the baseline Pod Security Standard lets a container add. */
export const CAPABILITIES = [
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
];

/** Kubernetes' own priorities. The scheduler, and the kubelet of a full node, end other Pods to run these. */
const SYSTEM_PRIORITY = /^system-(?:cluster|node)-critical$/;

/** Members of one Pod specification that reach the node or other Pods' volumes, each with its remedy. */
function escapes(found: FoundPodSpec, inlineDrivers: readonly string[]): Problem[] {
  const { path, spec } = found;
  const hosts = HOST_NAMESPACES.filter((name) => spec[name] === true).map((name) => ({
    path: `${path}.${name}`,
    message: `${name} shares the node with the Pod; remove it`,
  }));
  const volumes = listOf(spec.volumes).flatMap((volume, index) =>
    Object.keys(mapOf(volume))
      .filter((kind) => kind !== "name" && !VOLUMES.includes(kind))
      .map((kind) => ({
        path: `${path}.volumes[${index}].${kind}`,
        message: `a ${kind} volume reaches beyond the namespace; use a PersistentVolumeClaim`,
        value: mapOf(volume)[kind],
      })),
  );
  const containers = containersOf(found).flatMap(({ path: at, container }) =>
    containerEscapes(at, container),
  );
  const pod = securityEscapes(`${path}.securityContext`, mapOf(spec.securityContext));
  return [
    ...[...hosts, ...priorityEscapes(path, textOf(spec.priorityClassName)), ...volumes],
    ...[...inlineVolumes(found, inlineDrivers), ...pod],
    ...[...annotationEscapes(found), ...containers],
  ];
}

const inlineVolumes = ({ path, spec }: FoundPodSpec, drivers: readonly string[]): Problem[] =>
  listOf(spec.volumes).flatMap((volume, index) => {
    const { csi } = mapOf(volume);
    const driver = textOf(mapOf(csi).driver);
    return csi === undefined || drivers.includes(driver)
      ? []
      : [
          {
            path: `${path}.volumes[${index}].csi.driver`,
            message: `driver ${driver} may mount volumes of others or of the node; use a PersistentVolumeClaim, or ask the platform team to list the driver`,
            value: csi,
          },
        ];
  });

const priorityEscapes = (path: string, name: string): Problem[] =>
  SYSTEM_PRIORITY.test(name)
    ? [
        {
          path: `${path}.priorityClassName`,
          message: `${name} lets the Pod displace Pods of others; use another PriorityClass`,
        },
      ]
    : [];

function containerEscapes(path: string, container: Record<string, unknown>): Problem[] {
  const context = mapOf(container.securityContext);
  const at = `${path}.securityContext`;
  const added = listOf(mapOf(context.capabilities).add)
    .map(textOf)
    .filter((capability) => !CAPABILITIES.includes(capability.replace(/^CAP_/, "")));
  const ports = listOf(container.ports).flatMap((port, index) =>
    Number(mapOf(port).hostPort ?? 0) === 0
      ? []
      : [
          {
            path: `${path}.ports[${index}].hostPort`,
            message: "hostPort opens a port of the node; use a Service",
            value: mapOf(port).hostPort,
          },
        ],
  );
  return [
    ...(context.privileged === true
      ? [{ path: `${at}.privileged`, message: "privileged lets the container control the node; remove it" }]
      : []),
    ...added.map((capability) => ({
      path: `${at}.capabilities.add`,
      message: `capability ${capability} reaches the node; remove it`,
    })),
    ...ports,
    ...handlerEscapes(path, container),
    ...securityEscapes(at, context),
  ];
}

/** Assigns a Pod to a node. The API server copies its annotations into the Pod. */
const isBinding = ({ group, resource, subresource }: AdmissionInput): boolean =>
  group === "" && (resource === "bindings" || (resource === "pods" && subresource === "binding"));

/**
 * Pods of all users but the platform stay in their namespace. Fields that an earlier write had already are not judged
 * again.
 */
export function podIsolationRule(
  input: AdmissionInput,
  facts: Pick<ClusterFacts, "inlineDrivers" | "isForeignNamespace">,
): Violation[] {
  if (!storesObject(input)) return [];
  // Network plugins write some annotations by the status.
  const judged = input.subresource === "status" ? NETWORK_ANNOTATIONS : undefined;
  const escapesOf = (object: AdmissionInput["object"]) => [
    ...surveyOf(object).podSpecs.flatMap((found) => [
      ...escapes(found, facts.inlineDrivers),
      ...networkEscapes(found, facts, judged),
    ]),
    ...(isBinding(input) ? networkEscapes({ path: "spec", annotations: annotationsOf(object) }, facts) : []),
  ];
  const after = escapesOf(input.object);
  if (after.length === 0) return [];
  return newProblems(escapesOf(input.oldObject), after).map((problem) => ({
    rule: "pod-isolation",
    ...problem,
  }));
}
