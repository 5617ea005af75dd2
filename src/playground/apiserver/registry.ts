import { REVIEWS } from "./builtin/resource.ts";
import { apiVersionOf } from "./object.ts";
import type { ResourceType } from "./resource-type.ts";

export interface GroupVersions {
  group: string;
  /** The preferred version comes first. */
  versions: string[];
}

export type Registry = ReturnType<typeof createRegistry>;

/** The resource types that are served now: the built-in ones and those of CRDs. */
export function createRegistry(builtin: readonly ResourceType[]) {
  const types = new Map<string, ResourceType>();
  const keyOf = (group: string, version: string, plural: string) => `${group}/${version}/${plural}`;
  let version = 0;

  function add(type: ResourceType): void {
    types.set(keyOf(type.group, type.version, type.plural), type);
    version++;
  }
  for (const type of builtin) add(type);

  return {
    find: (group: string, version: string, plural: string) => types.get(keyOf(group, version, plural)),

    /** The type of a kind, as an owner reference or an object names it. */
    findKind(apiVersion: string, kind: string): ResourceType | undefined {
      for (const type of types.values()) {
        if (type.kind === kind && apiVersionOf(type.group, type.version) === apiVersion) return type;
      }
      return undefined;
    },

    all: (): ResourceType[] => [...types.values()],

    /** One type for each storage. */
    storages(): ResourceType[] {
      const byStorage = new Map<string, ResourceType>();
      for (const type of types.values()) {
        if (type.storageConversion === undefined || !byStorage.has(type.storage))
          byStorage.set(type.storage, type);
      }
      return [...byStorage.values()];
    },

    groups(): GroupVersions[] {
      const groups = new Map<string, Set<string>>();
      const served = [...types.values(), ...REVIEWS.map(({ group }) => ({ group, version: "v1" }))];
      for (const type of served) {
        const versions = groups.get(type.group) ?? new Set();
        groups.set(type.group, versions.add(type.version));
      }
      return [...groups].map(([group, versions]) => ({ group, versions: [...versions].sort(byPriority) }));
    },

    /** Replaces the types of one custom resource. With an empty list, it is no longer served. */
    replaceCustom(group: string, plural: string, next: readonly ResourceType[]): void {
      for (const [key, type] of types) {
        if (type.custom !== undefined && type.group === group && type.plural === plural) types.delete(key);
      }
      version++;
      for (const type of next) add(type);
    },

    /** Changes whenever the served types change. */
    version: () => version,
  };
}

const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/;

/** Stable versions before beta before alpha, newer before older, anything else last and by name. */
export function byPriority(a: string, b: string): number {
  const [left, right] = [rank(a), rank(b)];
  for (const [index, value] of left.entries()) {
    const difference = (right[index] ?? 0) - value;
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function rank(version: string): [maturity: number, major: number, minor: number] {
  const match = VERSION.exec(version);
  if (match === null) return [0, 0, 0];
  const maturity = match[2] === undefined ? 3 : match[2] === "beta" ? 2 : 1;
  return [maturity, Number(match[1]), Number(match[3] ?? 0)];
}
