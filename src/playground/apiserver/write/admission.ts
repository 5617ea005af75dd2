import type { UserInfo } from "../access/user.ts";
import type { AdmissionChain } from "../admission/chain.ts";
import type { AdmissionRequest } from "../admission/request.ts";
import { type ApiObject, copyJson, type JsonObject } from "../object.ts";
import type { WriteRequest } from "./request.ts";

export interface Admission {
  /** The object after the mutating webhooks. */
  mutate(write: AdmittedWrite): Promise<ApiObject>;
  validate(write: AdmittedWrite): Promise<void>;
  /** Refuses a connection to a Pod if a policy or a webhook denies it. */
  connect(connection: PodConnection): Promise<void>;
}

interface PodConnection {
  user: UserInfo;
  namespace: string;
  /** The name of the Pod. */
  name: string;
  port: number;
}

interface AdmittedWrite {
  request: WriteRequest;
  operation: "CREATE" | "UPDATE" | "DELETE";
  /** The kind of the object, where it differs from the resource's kind. */
  kind?: AdmissionRequest["kind"];
  /** Undefined on DELETE. */
  object?: ApiObject;
  /** Undefined on CREATE. */
  oldObject?: ApiObject;
  options: JsonObject;
}

/** Sends a write through the chain as an AdmissionRequest. */
export function createAdmission(chain: AdmissionChain): Admission {
  return {
    async mutate(write) {
      const { object, warnings } = await chain.mutate(admissionRequest(write));
      for (const warning of warnings) write.request.warn(warning);
      return (object ?? write.object) as ApiObject;
    },
    async validate(write) {
      const { warnings } = await chain.validate(admissionRequest(write));
      for (const warning of warnings) write.request.warn(warning);
    },
    async connect({ user, namespace, name, port }) {
      const version = { group: "", version: "v1" };
      const kind = "PodPortForwardOptions";
      await chain.admit({
        operation: "CONNECT",
        kind: { ...version, kind },
        resource: { ...version, resource: "pods" },
        subresource: "portforward",
        ...{ name, namespace, user },
        object: { kind, apiVersion: "v1", ports: [port] },
        ...{ oldObject: null, options: null, dryRun: false },
      });
    },
  };
}

function admissionRequest({
  request,
  operation,
  kind,
  object,
  oldObject,
  options,
}: AdmittedWrite): AdmissionRequest {
  const { type, subresource, user, dryRun, namespace, name } = request;
  const { group, version } = type;
  return {
    operation,
    kind: kind ?? { group, version, kind: type.kind },
    resource: { group, version, resource: type.plural },
    subresource,
    name: object?.metadata.name || name,
    namespace,
    user,
    // A patch of a webhook changes its copy, because stored objects are shared.
    object: object === undefined ? null : copyJson(object),
    oldObject: oldObject ?? null,
    options,
    dryRun,
  };
}
