/**
 * How lists and maps of built-in kinds merge, where it is not the default (a list is one value, a map merges by
 * key). By model class of the client library and field; the field `""` speaks of the model itself. From the OpenAPI
 * document of Kubernetes 1.36, whose `x-kubernetes-list-type`, `-list-map-keys`, `-map-type`, `-patch-merge-key`
 * and `-patch-strategy` these become.
 */
export type Merging =
  | { kind: "map"; keys: readonly string[]; patch?: "merge" | "merge,retainKeys" }
  | { kind: "set"; patch?: "merge" }
  | { kind: "atomic" }
  | { kind: "granular" }
  /** Merged by key in a strategic merge patch, one value in server-side apply. */
  | { kind: "patch"; strategy: "merge" | "replace" | "retainKeys"; key?: string };

const by = (...keys: string[]): Merging => ({ kind: "map", keys, patch: "merge" });
/** Keyed for server-side apply alone. */
const appliedBy = (...keys: string[]): Merging => ({ kind: "map", keys });
const keyed = (key: string): Merging => ({ kind: "map", keys: [key], patch: "merge,retainKeys" });
const ATOMIC: Merging = { kind: "atomic" };
const SET: Merging = { kind: "set" };
const CONDITIONS: Record<string, Merging> = { conditions: by("type") };

const CONTAINER: Record<string, Merging> = {
  env: by("name"),
  ports: by("containerPort", "protocol"),
  volumeDevices: by("devicePath"),
  volumeMounts: by("mountPath"),
};

export const MERGING: Record<string, Record<string, Merging>> = {
  // metadata
  V1ObjectMeta: { finalizers: { kind: "set", patch: "merge" }, ownerReferences: by("uid") },
  V1OwnerReference: { "": ATOMIC },
  V1LabelSelector: { "": ATOMIC },

  // core
  V1ConfigMapKeySelector: { "": ATOMIC },
  V1Container: CONTAINER,
  V1ContainerStatus: { allocatedResourcesStatus: by("name"), volumeMounts: by("mountPath") },
  V1EphemeralContainer: CONTAINER,
  V1EndpointAddress: { "": ATOMIC },
  CoreV1EndpointPort: { "": ATOMIC },
  V1LocalObjectReference: { "": ATOMIC },
  V1NamespaceStatus: CONDITIONS,
  V1NodeSelector: { "": ATOMIC },
  V1NodeSelectorTerm: { "": ATOMIC },
  V1NodeSpec: { podCIDRs: { kind: "set", patch: "merge" } },
  V1NodeStatus: { addresses: by("type"), conditions: by("type") },
  V1ObjectFieldSelector: { "": ATOMIC },
  V1ObjectReference: { "": ATOMIC },
  V1PersistentVolumeClaimStatus: CONDITIONS,
  V1PersistentVolumeSpec: { claimRef: { kind: "granular" } },
  V1PodSpec: {
    containers: by("name"),
    ephemeralContainers: by("name"),
    hostAliases: by("ip"),
    imagePullSecrets: by("name"),
    initContainers: by("name"),
    nodeSelector: ATOMIC,
    resourceClaims: keyed("name"),
    schedulingGates: by("name"),
    topologySpreadConstraints: by("topologyKey", "whenUnsatisfiable"),
    volumes: keyed("name"),
  },
  V1PodStatus: {
    conditions: by("type"),
    hostIPs: { kind: "patch", strategy: "merge", key: "ip" },
    podIPs: by("ip"),
    resourceClaimStatuses: keyed("name"),
  },
  V1ReplicationControllerSpec: { selector: ATOMIC },
  V1ReplicationControllerStatus: CONDITIONS,
  V1ResourceFieldSelector: { "": ATOMIC },
  V1ResourceRequirements: { claims: appliedBy("name") },
  V1ScopeSelector: { "": ATOMIC },
  V1SecretKeySelector: { "": ATOMIC },
  V1SecretReference: { "": ATOMIC },
  V1ServiceAccount: { secrets: by("name") },
  V1ServiceSpec: { ports: by("port", "protocol"), selector: ATOMIC },
  V1ServiceStatus: CONDITIONS,
  V1TypedLocalObjectReference: { "": ATOMIC },

  // apps, batch, autoscaling, policy
  V1DaemonSetStatus: CONDITIONS,
  V1DeploymentSpec: { strategy: { kind: "patch", strategy: "retainKeys" } },
  V1DeploymentStatus: CONDITIONS,
  V1ReplicaSetStatus: CONDITIONS,
  V1StatefulSetStatus: CONDITIONS,
  V1JobStatus: { conditions: { kind: "patch", strategy: "merge", key: "type" } },
  V1PodFailurePolicyOnExitCodesRequirement: { values: SET },
  V1UncountedTerminatedPods: { failed: SET, succeeded: SET },
  V1CrossVersionObjectReference: { "": ATOMIC },
  V2HorizontalPodAutoscalerStatus: CONDITIONS,
  V1PodDisruptionBudgetSpec: { selector: { kind: "patch", strategy: "replace" } },
  V1PodDisruptionBudgetStatus: CONDITIONS,

  // networking, discovery
  V1Endpoint: { addresses: SET },
  DiscoveryV1EndpointPort: { "": ATOMIC },
  V1ServiceBackendPort: { "": ATOMIC },

  // rbac
  V1RoleRef: { "": ATOMIC },
  RbacV1Subject: { "": ATOMIC },

  // admission
  V1MatchResources: { "": ATOMIC },
  V1MutatingWebhook: { matchConditions: by("name") },
  V1MutatingWebhookConfiguration: { webhooks: by("name") },
  V1NamedRuleWithOperations: { "": ATOMIC },
  V1ParamKind: { "": ATOMIC },
  V1ParamRef: { "": ATOMIC },
  V1ValidatingAdmissionPolicyBindingSpec: { validationActions: SET },
  V1ValidatingAdmissionPolicySpec: { matchConditions: by("name"), variables: by("name") },
  V1ValidatingAdmissionPolicyStatus: { conditions: appliedBy("type") },
  V1ValidatingWebhook: { matchConditions: by("name") },
  V1ValidatingWebhookConfiguration: { webhooks: by("name") },
  V1Variable: { "": ATOMIC },

  // apiextensions, apiregistration
  V1CustomResourceDefinitionStatus: { conditions: appliedBy("type") },
  V1JSONSchemaProps: { "x-kubernetes-validations": by("rule") },
  V1APIServiceStatus: CONDITIONS,
};
