import type { Franchise, Subject } from "../../api/franchise.ts";
import { type AdmissionInput, PIPELINE_GROUP, type PlatformIdentities, type Requester } from "./input.ts";

type User = AdmissionInput["user"];

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

function isPlatform(user: User, platform: PlatformIdentities): boolean {
  if (platform.groups.some((group) => user.groups.includes(group))) return true;
  const namespace = SERVICE_ACCOUNT.exec(user.username)?.[1];
  return namespace !== undefined && platform.serviceAccountNamespaces.includes(namespace);
}

/** Nodes, and the users of the control plane. No rule may hinder their work. */
function isControlPlane({ username, groups }: User): boolean {
  return groups.includes("system:nodes") || username.startsWith("system:kube-");
}

/** `franchises` are those whose term runs now. */
export function classifyRequester(
  user: User,
  franchises: readonly Franchise[],
  platform: PlatformIdentities,
): Requester {
  if (isPlatform(user, platform)) return { kind: "platform" };
  if (isControlPlane(user)) return { kind: "controlPlane" };
  const isPipeline = user.groups.includes(PIPELINE_GROUP);
  const own = franchises.filter(({ spec }) => spec.subjects.some((subject) => isSubject(user, subject)));
  return own.length > 0
    ? { kind: "franchisee", franchises: own, isPipeline }
    : { kind: "tenant", isPipeline };
}

export function isSubject({ username, groups }: User, { kind, name, namespace }: Subject): boolean {
  if (kind === "Group") return groups.includes(name);
  if (kind === "ServiceAccount") return username === `system:serviceaccount:${namespace}:${name}`;
  return username === name;
}
