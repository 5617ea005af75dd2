import { isDeepStrictEqual } from "node:util";
import { copyJson, isRecord, type JsonObject, setMember } from "../object.ts";
import { badRequest } from "../refusal.ts";
import { StatusError } from "../status.ts";

const MAX_OPERATIONS = 10_000;

/** RFC 6902 on a copy. An operation that does not apply refuses the patch with 422. */
export function jsonPatch(document: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch is a list of operations");
  if (patch.length > MAX_OPERATIONS) {
    throw new StatusError(
      413,
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  }
  const root = { root: copyJson(document) as unknown };
  for (const [index, operation] of patch.entries()) {
    if (!isRecord(operation)) throw badRequest("a JSON patch is a list of operations");
    run(root, operation, (why) =>
      unprocessable(`operation ${index} (${operation.op} ${operation.path}): ${why}`),
    );
  }
  if (!isRecord(root.root)) throw unprocessable("the patched document is not an object");
  return root.root;
}

type Fail = (why: string) => StatusError;

function run(root: { root: unknown }, operation: JsonObject, fail: Fail): void {
  const path = pointer(operation.path, fail);
  switch (operation.op) {
    case "add":
      add(root, path, operation.value, fail);
      return;
    case "remove":
      remove(root, path, fail);
      return;
    case "replace":
      remove(root, path, fail);
      add(root, path, operation.value, fail);
      return;
    case "test":
      if (!isDeepStrictEqual(find(root, path, fail), operation.value)) throw fail("testing value failed");
      return;
    case "copy":
      add(root, path, copyJson(find(root, pointer(operation.from, fail), fail)), fail);
      return;
    case "move": {
      const from = pointer(operation.from, fail);
      const value = find(root, from, fail);
      remove(root, from, fail);
      add(root, path, value, fail);
      return;
    }
    default:
      throw fail("unknown operation");
  }
}

/** Steps of a JSON pointer, below the member `root`, which holds the whole document. */
function pointer(text: unknown, fail: Fail): string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/")))
    throw fail("the path is not a JSON pointer");
  return text
    .split("/")
    .map((step, index) => (index === 0 ? "root" : step.replaceAll("~1", "/").replaceAll("~0", "~")));
}

function find(root: JsonObject, path: readonly string[], fail: Fail): unknown {
  let value: unknown = root;
  for (const step of path) {
    if (Array.isArray(value)) value = value[indexOf(value, step, value.length - 1, fail)];
    else if (isRecord(value) && Object.hasOwn(value, step)) value = value[step];
    else throw fail("the path does not exist");
  }
  return value;
}

function add(root: JsonObject, path: readonly string[], value: unknown, fail: Fail): void {
  const parent = find(root, path.slice(0, -1), fail);
  const step = path.at(-1) as string;
  if (Array.isArray(parent)) {
    parent.splice(step === "-" ? parent.length : indexOf(parent, step, parent.length, fail), 0, value);
  } else if (isRecord(parent)) setMember(parent, step, value);
  else throw fail("the path does not exist");
}

function remove(root: JsonObject, path: readonly string[], fail: Fail): void {
  const parent = find(root, path.slice(0, -1), fail);
  const step = path.at(-1) as string;
  if (Array.isArray(parent)) parent.splice(indexOf(parent, step, parent.length - 1, fail), 1);
  else if (isRecord(parent) && Object.hasOwn(parent, step)) delete parent[step];
  else throw fail("the path does not exist");
}

function indexOf(list: readonly unknown[], step: string, max: number, fail: Fail): number {
  const index = Number(step);
  if (!/^(0|[1-9]\d*)$/.test(step) || index > max) throw fail(`no index ${step} in a list of ${list.length}`);
  return index;
}

function unprocessable(why: string): StatusError {
  const message = `the server rejected our request due to an error in our request: ${why}`;
  return new StatusError(422, "Invalid", message, {});
}
