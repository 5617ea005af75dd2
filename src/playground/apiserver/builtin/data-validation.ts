import { type ApiObject, recordOf } from "../object.ts";
import type { ResourceType } from "../resource-type.ts";
import { type FieldError, valueInvalid, valueTooLong } from "../schema/field-error.ts";

const MAX_DATA_BYTES = 1024 * 1024;

/** The errors of an object under rules that its schema does not express. */
export function dataErrors(object: ApiObject, { storage }: ResourceType): FieldError[] {
  switch (storage) {
    case "/configmaps":
      return sizeOf(object.data) + sizeOf(object.binaryData, "base64") > MAX_DATA_BYTES
        ? [valueTooLong("[]", MAX_DATA_BYTES)]
        : [];
    case "/secrets":
      return sizeOf(object.data, "base64") > MAX_DATA_BYTES ? [valueTooLong("data", MAX_DATA_BYTES)] : [];
    case "coordination.k8s.io/leases":
      return leaseErrors(recordOf(object.spec));
    case "/events":
      return eventErrors(object);
    default:
      return [];
  }
}

function sizeOf(data: unknown, encoding: "utf8" | "base64" = "utf8"): number {
  return Object.values(recordOf(data)).reduce<number>(
    (sum, value) => sum + Buffer.byteLength(String(value), encoding),
    0,
  );
}

function leaseErrors({
  leaseDurationSeconds = 1,
  leaseTransitions = 0,
}: Record<string, unknown>): FieldError[] {
  return [
    ...(Number(leaseDurationSeconds) > 0
      ? []
      : [valueInvalid("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0")]),
    ...(Number(leaseTransitions) >= 0
      ? []
      : [valueInvalid("spec.leaseTransitions", leaseTransitions, "must be greater than or equal to 0")]),
  ];
}

/** An Event lies in the namespace of the object that it is about. */
function eventErrors({ metadata, involvedObject }: ApiObject): FieldError[] {
  const { namespace = "" } = recordOf(involvedObject);
  return namespace === "" || namespace === metadata.namespace
    ? []
    : [valueInvalid("involvedObject.namespace", namespace, "does not match event.namespace")];
}
