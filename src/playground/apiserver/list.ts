import type { ApiObject } from "./object.ts";
import { badRequest, invalidMatch } from "./refusal.ts";
import type { ResourceType } from "./resource-type.ts";
import { isSelected, type Selection, selectsAll } from "./selection.ts";
import { StatusError } from "./status.ts";
import type { Store } from "./store.ts";

export interface ListPage {
  items: ApiObject[];
  resourceVersion: number;
  /** The token for the next page. Undefined on the last one. */
  continueToken?: string;
  /** The number of objects on later pages. Undefined for a list with a selector. */
  remainingItemCount?: number;
}

export interface ListerDeps {
  store: Store;
  now: () => Date;
}

interface Snapshot {
  objects: readonly ApiObject[];
  takenAt: number;
}

interface ContinueToken {
  rv: number;
  /** The key of the last object on the page. */
  after: string;
}

const SNAPSHOT_LIFE_MS = 5 * 60_000;
const MAX_SNAPSHOTS = 64;

/** Lists by namespace and name. All pages of one list show the state at its first page. */
export function createLister({ store, now }: ListerDeps) {
  const snapshots = new Map<string, Snapshot>();

  function snapshot(
    { storage, namespace }: { storage: string; namespace: string },
    resourceVersion: number,
    keep: boolean,
  ): readonly ApiObject[] | undefined {
    for (const [key, { takenAt }] of snapshots) {
      if (now().getTime() - takenAt > SNAPSHOT_LIFE_MS) snapshots.delete(key);
    }
    const key = `${storage}/${namespace}@${resourceVersion}`;
    const known = snapshots.get(key);
    if (known !== undefined) return known.objects;
    if (resourceVersion !== store.resourceVersion()) return undefined;
    const objects = [...store.list(storage, namespace)].sort((a, b) => compare(keyOf(a), keyOf(b)));
    if (keep) {
      const oldest = snapshots.keys().next().value;
      if (snapshots.size >= MAX_SNAPSHOTS && oldest !== undefined) snapshots.delete(oldest);
      snapshots.set(key, { objects, takenAt: now().getTime() });
    }
    return objects;
  }

  return function list(type: ResourceType, selection: Selection, query: URLSearchParams): ListPage {
    const limit = parseLimit(query.get("limit"));
    const current = store.resourceVersion();
    const wanted = continuation(query);
    const exact = wanted?.rv ?? requestedVersion(query, current);
    const resourceVersion = exact ?? current;
    const { namespace } = selection;
    const objects = snapshot({ storage: type.storage, namespace }, resourceVersion, limit > 0);
    if (objects === undefined) {
      throw new StatusError(
        410,
        "Expired",
        wanted === undefined
          ? `The resourceVersion for the provided list is too old: ${resourceVersion}`
          : "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.",
      );
    }

    const items: ApiObject[] = [];
    let continueToken: string | undefined;
    let remainingItemCount: number | undefined;
    const selected = objects.filter(
      (object) =>
        (wanted === undefined || compare(keyOf(object), wanted.after) > 0) && isSelected(selection, object),
    );
    if (limit > 0 && selected.length > limit) {
      items.push(...selected.slice(0, limit));
      continueToken = formatToken({ rv: resourceVersion, after: keyOf(items.at(-1) as ApiObject) });
      if (selectsAll(selection)) remainingItemCount = selected.length - limit;
    } else items.push(...selected);
    return {
      items,
      resourceVersion,
      ...(continueToken === undefined ? {} : { continueToken }),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    };
  };
}

/** The exact version that the list must show. Undefined: the newest. */
function requestedVersion(query: URLSearchParams, current: number): number | undefined {
  const text = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  if (match !== "" && text === "") {
    throw invalidMatch("Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  if (match !== "" && match !== "Exact" && match !== "NotOlderThan") {
    const text = `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`;
    throw invalidMatch(text, "FieldValueNotSupported");
  }
  if (text === "") return undefined;
  const wanted = parseResourceVersion(text);
  if (match === "Exact" && wanted === 0) {
    throw invalidMatch('Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  if (wanted > current) throw tooLargeVersion(wanted, current);
  return match === "Exact" ? wanted : undefined;
}

export function parseResourceVersion(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw badRequest(`invalid resource version ${JSON.stringify(text)}: it must be a whole number`);
  }
  return value;
}

/** A version that this server has not had. The client got it from another server, or before the data was deleted. */
export function tooLargeVersion(wanted: number, current: number): StatusError {
  return new StatusError(
    504,
    "Timeout",
    `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  );
}

function parseLimit(text: string | null): number {
  if (text === null || text === "") return 0;
  const value = Number(text);
  if (!/^\d+$/.test(text))
    throw badRequest(`limit: Invalid value: ${JSON.stringify(text)}: must be a whole number`);
  return value;
}

/** Where the page begins. Undefined for a first page. */
function continuation(query: URLSearchParams): ContinueToken | undefined {
  const text = query.get("continue") ?? "";
  if (text === "") return undefined;
  if (!["", "0"].includes(query.get("resourceVersion") ?? ""))
    throw badRequest("specifying resource version is not allowed when using continue");
  try {
    const token = JSON.parse(Buffer.from(text, "base64url").toString()) as Partial<ContinueToken>;
    if (typeof token.rv === "number" && typeof token.after === "string")
      return { rv: token.rv, after: token.after };
  } catch {
    // Falls through to the refusal.
  }
  throw badRequest("continue key is not valid: start a new list without it");
}

function formatToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function keyOf({ metadata }: ApiObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
