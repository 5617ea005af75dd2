import type { EnvVariable, Pod } from "./pod.ts";

/** Reads the values that a Pod's environment refers to; undefined when the object or the key is missing. */
export interface References {
  secret(name: string, key: string): string | undefined;
  configMap(name: string, key: string): string | undefined;
}

/** A reference in the Pod cannot be resolved. The kubelet reports it as CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

/** The container's variables with their references resolved. `$(NAME)` expands to a variable that stands before it. */
export function resolveEnvironment(
  pod: Pod,
  variables: EnvVariable[],
  address: string,
  references: References,
): Record<string, string> {
  const resolved: Record<string, string> = {};
  for (const variable of variables) {
    const value = variableValue(pod, variable, address, references);
    if (value !== undefined) resolved[variable.name] = expandVariables(value, resolved);
  }
  return resolved;
}

function variableValue(
  pod: Pod,
  { name, value, valueFrom }: EnvVariable,
  address: string,
  references: References,
): string | undefined {
  if (valueFrom === undefined) return value ?? "";
  const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom;
  if (fieldRef !== undefined) return fieldOf(pod, fieldRef.fieldPath, address);
  const reference = secretKeyRef ?? configMapKeyRef;
  if (reference === undefined)
    throw new ContainerConfigError(
      `variable ${name}: the playground supports secretKeyRef, configMapKeyRef and fieldRef only`,
    );
  const kind = secretKeyRef === undefined ? "configMap" : "secret";
  const found = references[kind](reference.name, reference.key);
  if (found === undefined && reference.optional !== true) {
    throw new ContainerConfigError(
      `variable ${name}: ${kind} "${reference.name}" has no key "${reference.key}"`,
    );
  }
  return found;
}

function fieldOf(pod: Pod, path: string, address: string): string {
  const fields: Record<string, string | undefined> = {
    "metadata.name": pod.metadata.name,
    "metadata.namespace": pod.metadata.namespace,
    "metadata.uid": pod.metadata.uid,
    "spec.nodeName": pod.spec.nodeName,
    "spec.serviceAccountName": pod.spec.serviceAccountName,
    "status.podIP": address,
    "status.hostIP": "127.0.0.1",
  };
  const value = fields[path];
  if (value === undefined)
    throw new ContainerConfigError(`fieldRef.fieldPath ${path}: the playground does not support this field`);
  return value;
}

/** `$(NAME)` becomes the value of NAME; `$$(NAME)` stays `$(NAME)`; an unknown name stays as it is. */
export function expandVariables(text: string, values: Record<string, string>): string {
  return text.replaceAll(/\$?\$\(([A-Za-z_][A-Za-z0-9_]*)\)/g, (match, name: string) =>
    match.startsWith("$$") ? match.slice(1) : (values[name] ?? match),
  );
}

/**
 * Replaces a path below a mount point by its real path, because processes here have no mount namespace. `mounts` maps mount
 * points to folders.
 */
export function translatePath(text: string, mounts: ReadonlyMap<string, string>): string {
  for (const [mountPoint, folder] of mounts) {
    if (text === mountPoint || text.startsWith(`${mountPoint}/`))
      return folder + text.slice(mountPoint.length);
  }
  return text;
}
