import type { EnvVariable, Pod } from "./pod.ts";

/** Values of the objects that a Pod's environment refers to; undefined when the object or key is missing. */
export interface References {
  secret(name: string, key: string): string | undefined;
  configMap(name: string, key: string): string | undefined;
}

/** A Pod that cannot be started as it is written; the kubelet's word is CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

/** The container's own variables, resolved and with `$(NAME)` expanded by those before. */
export function resolveEnvironment(
  pod: Pod,
  variables: EnvVariable[],
  address: string,
  references: References,
): Record<string, string> {
  const resolved: Record<string, string> = {};
  for (const variable of variables) {
    const value = variableValue(pod, variable, address, references);
    if (value !== undefined) resolved[variable.name] = expand(value, resolved);
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
    throw new ContainerConfigError(`variable ${name}: this source is not supported here`);
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
  if (value === undefined) throw new ContainerConfigError(`fieldPath ${path} is not supported here`);
  return value;
}

/** `$(NAME)` becomes the value of NAME; `$$(NAME)` stays `$(NAME)`; an unknown name stays as it is. */
function expand(text: string, values: Record<string, string>): string {
  return text.replaceAll(/\$?\$\(([A-Za-z_][A-Za-z0-9_]*)\)/g, (match, name: string) =>
    match.startsWith("$$") ? match.slice(1) : (values[name] ?? match),
  );
}

/**
 * There are no mount namespaces here: a path below a mount point is told to the process as where it really lies.
 * `mounts` maps mount points to folders.
 */
export function translatePath(text: string, mounts: ReadonlyMap<string, string>): string {
  for (const [mountPoint, folder] of mounts) {
    if (text === mountPoint || text.startsWith(`${mountPoint}/`))
      return folder + text.slice(mountPoint.length);
  }
  return text;
}
