import { ageOf } from "../duration.ts";
import { selectorText } from "../label-selector.ts";
import { type ApiObject, listOf, recordOf, recordsOf } from "../object.ts";
import {
  binding,
  type Cells,
  count,
  created,
  endpointList,
  eventCells,
  ingressHosts,
  jobCells,
  mapText,
  NONE,
  nodeStatus,
  orNone,
  servicePorts,
  webhooks,
  wide,
  withAge,
  workloadImages,
} from "./cell.ts";
import { podCells } from "./pod-column.ts";

export interface ColumnDefinition {
  name: string;
  type: "string" | "integer" | "boolean" | "date" | "number";
  format: string;
  description: string;
  /** Above 0: shown only by `-o wide`. */
  priority: number;
}

export interface ColumnSet {
  columns: ColumnDefinition[];
  cells(object: ApiObject, now: Date): unknown[];
}

/** `Name:type*`: a trailing `+` puts the column into `-o wide`. */
function columnsOf(text: string): ColumnDefinition[] {
  return text.split(", ").map((part) => {
    const [name = "", type = "string"] = part.replace(/\+$/, "").split(":");
    return {
      name,
      type: type as ColumnDefinition["type"],
      format: name === "Name" ? "name" : "",
      description: "",
      priority: part.endsWith("+") ? 1 : 0,
    };
  });
}

// By resource: the columns of `kubectl get` after the name, and their cells. `+` marks a column of `-o wide`.
const SETS: Record<string, [columns: string, cells: Cells]> = {
  "/configmaps": [
    "Data, Age",
    withAge(({ data, binaryData }) => [
      Object.keys(recordOf(data)).length + Object.keys(recordOf(binaryData)).length,
    ]),
  ],
  "/endpoints": ["Endpoints, Age", withAge((object) => [endpointList(object)])],
  "/limitranges": ["Created At:date", created],
  "/namespaces": ["Status, Age", withAge((_, { status }) => [status.phase ?? "Active"])],
  "/nodes": [
    "Status, Roles, Age, Version, Internal-IP+, External-IP+, OS-Image+, Kernel-Version+, Container-Runtime+",
    (_, { spec, status, age }) => {
      const address = (type: string) =>
        recordsOf(status.addresses).find((seen) => seen.type === type)?.address ?? NONE;
      const info = recordOf(status.nodeInfo);
      const word = (name: string) => info[name] || "<unknown>";
      return [
        nodeStatus(spec, status),
        NONE,
        age,
        info.kubeletVersion ?? "",
        address("InternalIP"),
        address("ExternalIP"),
        word("osImage"),
        word("kernelVersion"),
        word("containerRuntimeVersion"),
      ];
    },
  ],
  "/pods": [
    "Ready, Status, Restarts, Age, IP+, Node+, Nominated Node+, Readiness Gates+",
    (object, { age, now }) => podCells(object, age, now),
  ],
  "/resourcequotas": [
    "Request, Limit, Age",
    withAge((_, { spec, status }) => {
      const used = recordOf(status.used);
      const names = Object.keys(recordOf(spec.hard)).sort();
      const shown = (isShown: (name: string) => boolean) =>
        names
          .filter(isShown)
          .map((name) => `${name}: ${used[name] ?? 0}/${recordOf(spec.hard)[name]}`)
          .join(", ");
      return [shown((name) => !name.startsWith("limits")), shown((name) => name.startsWith("limits"))];
    }),
  ],
  "/secrets": [
    "Type, Data:integer, Age",
    withAge(({ type, data }) => [type ?? "Opaque", Object.keys(recordOf(data)).length]),
  ],
  "/serviceaccounts": ["Age", withAge(() => [])],
  "/services": [
    "Type, Cluster-IP, External-IP, Port(s), Age, Selector+",
    (_, { spec, age }) => [
      spec.type ?? "ClusterIP",
      spec.clusterIP ?? NONE,
      spec.type === "ExternalName" ? (spec.externalName ?? NONE) : NONE,
      orNone(servicePorts(spec)),
      age,
      orNone(mapText(spec.selector)),
    ],
  ],
  "apps/deployments": [
    "Ready, Up-to-date:integer, Available:integer, Age, Containers+, Images+, Selector+",
    (_, { spec, status, age }) => [
      `${count(status.readyReplicas)}/${count(spec.replicas)}`,
      count(status.updatedReplicas),
      count(status.availableReplicas),
      age,
      ...wide(spec),
    ],
  ],
  "apps/replicasets": [
    "Desired:integer, Current:integer, Ready:integer, Age, Containers+, Images+, Selector+",
    (_, { spec, status, age }) => [
      count(spec.replicas),
      count(status.replicas),
      count(status.readyReplicas),
      age,
      ...wide(spec),
    ],
  ],
  "apps/statefulsets": [
    "Ready, Age, Containers+, Images+",
    (_, { spec, status, age }) => [
      `${count(status.readyReplicas)}/${count(spec.replicas)}`,
      age,
      ...workloadImages(spec.template),
    ],
  ],
  "apps/daemonsets": [
    "Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, Available:integer, Node Selector, Age, Containers+, Images+, Selector+",
    (_, { spec, status, age }) => [
      count(status.desiredNumberScheduled),
      count(status.currentNumberScheduled),
      count(status.numberReady),
      count(status.updatedNumberScheduled),
      count(status.numberAvailable),
      orNone(mapText(recordOf(recordOf(spec.template).spec).nodeSelector)),
      age,
      ...wide(spec),
    ],
  ],
  "batch/jobs": [
    "Status, Completions, Duration, Age, Containers+, Images+, Selector+",
    (object, { spec, status, age, now }) => jobCells(object, spec, status, age, now),
  ],
  "batch/cronjobs": [
    "Schedule, Timezone, Suspend:boolean, Active:integer, Last Schedule, Age, Containers+, Images+, Selector+",
    (_, { spec, status, age, now }) => [
      spec.schedule,
      spec.timeZone ?? NONE,
      spec.suspend === true ? "True" : "False",
      listOf(status.active).length,
      status.lastScheduleTime === undefined ? NONE : ageOf(status.lastScheduleTime, now),
      age,
      ...workloadImages(recordOf(recordOf(spec.jobTemplate).spec).template),
      NONE,
    ],
  ],
  "networking.k8s.io/ingresses": [
    "Class, Hosts, Address, Ports, Age",
    withAge((_, { spec, status }) => [
      spec.ingressClassName ?? NONE,
      ingressHosts(spec),
      recordsOf(recordOf(status.loadBalancer).ingress)
        .map(({ ip, hostname }) => ip ?? hostname)
        .join(","),
      listOf(spec.tls).length > 0 ? "80, 443" : "80",
    ]),
  ],
  "networking.k8s.io/networkpolicies": [
    "Pod-Selector, Age",
    withAge((_, { spec }) => [orNone(selectorText(recordOf(spec.podSelector)))]),
  ],
  "networking.k8s.io/ingressclasses": [
    "Controller, Parameters, Age",
    withAge((_, { spec }) => {
      const { apiGroup, kind, name } = recordOf(spec.parameters);
      return [
        spec.controller,
        kind === undefined ? NONE : `${kind}${apiGroup ? `.${apiGroup}` : ""}/${name}`,
      ];
    }),
  ],
  "policy/poddisruptionbudgets": [
    "Min Available, Max Unavailable, Allowed Disruptions:integer, Age",
    withAge((_, { spec, status }) => [
      String(spec.minAvailable ?? "N/A"),
      String(spec.maxUnavailable ?? "N/A"),
      count(status.disruptionsAllowed),
    ]),
  ],
  "rbac.authorization.k8s.io/roles": ["Created At:date", created],
  "rbac.authorization.k8s.io/clusterroles": ["Created At:date", created],
  "rbac.authorization.k8s.io/rolebindings": ["Role, Age, Users+, Groups+, ServiceAccounts+", binding],
  "rbac.authorization.k8s.io/clusterrolebindings": ["Role, Age, Users+, Groups+, ServiceAccounts+", binding],
  "coordination.k8s.io/leases": ["Holder, Age", withAge((_, { spec }) => [spec.holderIdentity ?? ""])],
  "discovery.k8s.io/endpointslices": [
    "AddressType, Ports, Endpoints, Age",
    withAge((object) => [
      object.addressType,
      orNone(
        recordsOf(object.ports)
          .map(({ port }) => port ?? "*")
          .join(","),
      ),
      orNone(
        recordsOf(object.endpoints)
          .flatMap(({ addresses }) => listOf(addresses))
          .join(","),
      ),
    ]),
  ],
  "apiextensions.k8s.io/customresourcedefinitions": ["Created At:date", created],
  "admissionregistration.k8s.io/validatingwebhookconfigurations": ["Webhooks:integer, Age", webhooks],
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": ["Webhooks:integer, Age", webhooks],
  "admissionregistration.k8s.io/validatingadmissionpolicies": [
    "Validations:integer, ParamKind, Age",
    withAge((_, { spec }) => {
      const { apiVersion, kind } = recordOf(spec.paramKind);
      return [listOf(spec.validations).length, kind === undefined ? "<unset>" : `${apiVersion}/${kind}`];
    }),
  ],
  "admissionregistration.k8s.io/validatingadmissionpolicybindings": [
    "PolicyName, ParamRef, Age",
    withAge((_, { spec }) => {
      const { namespace, name } = recordOf(spec.paramRef);
      return [
        spec.policyName,
        spec.paramRef === undefined ? "<unset>" : `${namespace ? `${namespace}/` : "*/"}${name}`,
      ];
    }),
  ],
  "apiregistration.k8s.io/apiservices": [
    "Service, Available, Age",
    withAge((_, { spec, status }) => {
      const { namespace, name } = recordOf(spec.service);
      const available = recordsOf(status.conditions).find(({ type }) => type === "Available");
      return [name === undefined ? "Local" : `${namespace}/${name}`, String(available?.status ?? "Unknown")];
    }),
  ],
};

const EVENT_COLUMNS =
  "Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name+";

/** The columns of a built-in kind, by its storage. A kind without its own columns shows name and age. */
export function builtinColumns(storage: string): ColumnSet {
  if (storage === "/events") return { columns: columnsOf(EVENT_COLUMNS), cells: eventCells };
  const [columns, cells] = SETS[storage] ?? ["Age", withAge(() => [])];
  return {
    columns: columnsOf(`Name, ${columns}`),
    cells(object, now) {
      const age = ageOf(object.metadata.creationTimestamp, now);
      const parts = { spec: recordOf(object.spec), status: recordOf(object.status), age, now };
      return [object.metadata.name, ...cells(object, parts)];
    },
  };
}
