import { compileJsonPath } from "../json-path.ts";
import { selectorText } from "../label-selector.ts";
import { type ApiObject, copyJson, type JsonObject, recordOf } from "../object.ts";
import { badRequest } from "../refusal.ts";
import type { ResourceType } from "../resource-type.ts";

const BUILTIN_PATHS = { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" };

/** The `autoscaling/v1 Scale` of an object that can be scaled. */
export function scaleOf(type: ResourceType, object: ApiObject): ApiObject {
  const paths = type.custom?.scale ?? BUILTIN_PATHS;
  const read = (path: string | undefined) =>
    path === undefined ? undefined : compileJsonPath(path)?.(object)[0];
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector =
    type.custom === undefined
      ? selectorText(recordOf(recordOf(object.spec).selector))
      : read(type.custom.scale?.labelSelectorPath);
  const replicas = read(paths.specReplicasPath);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      resourceVersion,
      creationTimestamp,
    },
    spec: replicas === undefined ? {} : { replicas },
    status: {
      replicas: Number(read(paths.statusReplicasPath) ?? 0),
      ...(selector ? { selector } : {}),
    },
  };
}

/** The object with the replicas of a Scale; everything else in the Scale is read only. */
export function withScale(type: ResourceType, object: ApiObject, scale: JsonObject): ApiObject {
  const replicas = recordOf(scale.spec).replicas ?? 0;
  if (typeof replicas !== "number" || !Number.isInteger(replicas) || replicas < 0) {
    throw badRequest("spec.replicas: must be a whole number, 0 or more");
  }
  const path = type.custom?.scale?.specReplicasPath ?? BUILTIN_PATHS.specReplicasPath;
  const next = copyJson(object);
  const steps = path.split(".").filter((step) => step !== "");
  let target: JsonObject = next;
  for (const step of steps.slice(0, -1)) {
    target[step] ??= {};
    target = recordOf(target[step]);
  }
  target[steps.at(-1) ?? "replicas"] = replicas;
  const { resourceVersion } = recordOf(scale.metadata);
  if (typeof resourceVersion === "string" && resourceVersion !== "")
    next.metadata.resourceVersion = resourceVersion;
  return next;
}
