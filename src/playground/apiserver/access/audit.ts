import type { Attributes, Decision } from "./authorization.ts";

/** A request that was authorized or refused, as an event of audit.k8s.io/v1 at level Metadata. */
export interface AuditEvent {
  kind: "Event";
  apiVersion: "audit.k8s.io/v1";
  level: "Metadata";
  stage: "RequestReceived";
  requestReceivedTimestamp: string;
  verb: string;
  user: { username: string; groups: readonly string[] };
  requestURI?: string;
  /** Absent for a path that is not a resource. */
  objectRef?: {
    apiGroup?: string;
    resource: string;
    subresource?: string;
    namespace?: string;
    name?: string;
  };
  annotations: { "authorization.k8s.io/decision": "allow" | "forbid" };
}

export function auditEvent(attributes: Attributes, { allowed }: Decision, now: Date): AuditEvent {
  const { verb, user } = attributes;
  return {
    ...({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      stage: "RequestReceived",
    } as const),
    requestReceivedTimestamp: now.toISOString(),
    verb,
    user: { username: user.username, groups: user.groups },
    ...("path" in attributes ? { requestURI: attributes.path } : { objectRef: objectRefOf(attributes) }),
    annotations: { "authorization.k8s.io/decision": allowed ? "allow" : "forbid" },
  };
}

/** Kubernetes leaves out empty members. */
function objectRefOf({
  group,
  resource,
  subresource = "",
  namespace = "",
  name = "",
}: Exclude<Attributes, { path: string }>): NonNullable<AuditEvent["objectRef"]> {
  return {
    resource,
    ...(group === "" ? {} : { apiGroup: group }),
    ...(subresource === "" ? {} : { subresource }),
    ...(namespace === "" ? {} : { namespace }),
    ...(name === "" ? {} : { name }),
  };
}
