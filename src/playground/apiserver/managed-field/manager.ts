import { apiVersionOf, type ManagedFieldsEntry } from "../object.ts";
import { type FieldSet, fromFieldsV1, isEmpty, toFieldsV1 } from "./field-set.ts";

/** A manager and its fields: one entry of `metadata.managedFields`. */
export interface Manager {
  name: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  subresource: string;
  time: string | undefined;
  fields: FieldSet;
}

/** Managers by identity. The version is not part of an applier's identity: each name has one entry. */
export type Managers = ReadonlyMap<string, Manager>;

export function managerKey(
  manager: Pick<Manager, "name" | "operation" | "apiVersion" | "subresource">,
): string {
  const { name, operation, subresource } = manager;
  const apiVersion = operation === "Apply" ? "" : manager.apiVersion;
  return JSON.stringify([name, operation, apiVersion, subresource]);
}

/** Throws for entries that are not well formed. */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  const managers = new Map<string, Manager>();
  for (const entry of entries ?? []) {
    if (entry.operation !== "Apply" && entry.operation !== "Update")
      throw new Error("operation must be `Apply` or `Update`");
    if (entry.fieldsType !== "FieldsV1") throw new Error("fieldsType must be `FieldsV1`");
    const manager: Manager = {
      name: entry.manager ?? "",
      operation: entry.operation,
      apiVersion: entry.apiVersion ?? apiVersionOf("", "v1"),
      subresource: entry.subresource ?? "",
      time: entry.time,
      fields: fromFieldsV1(entry.fieldsV1 ?? {}),
    };
    managers.set(managerKey(manager), manager);
  }
  return managers;
}

/** Sorts as Kubernetes does: appliers first, then by time, then by name. Leaves out managers without fields. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  return [...managers.values()]
    .filter(({ fields }) => !isEmpty(fields))
    .sort(
      (a, b) =>
        order(a.operation, b.operation) ||
        order(a.time ?? "", b.time ?? "") ||
        order(a.name, b.name) ||
        order(a.apiVersion, b.apiVersion) ||
        order(a.subresource, b.subresource),
    )
    .map(({ name, operation, apiVersion, subresource, time, fields }) => ({
      manager: name,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: "FieldsV1",
      fieldsV1: toFieldsV1(fields),
      ...(subresource === "" ? {} : { subresource }),
    }));
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `"kubectl" using apps/v1`, as conflicts name a manager. */
export function managerText({ name, operation, apiVersion, subresource }: Manager): string {
  const text =
    JSON.stringify(name) + (subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === "Update" ? `${text} using ${apiVersion}` : text;
}
