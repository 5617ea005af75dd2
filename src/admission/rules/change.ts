import { isMap } from "../../api/object.ts";
import { type AdmissionInput, objectPath } from "./request.ts";

/** Paths of the members that differ between two values, sorted. A list that differs counts as one member. */
export function changedPaths(before: unknown, after: unknown, path = ""): string[] {
  const changed: string[] = [];
  addChangedPaths(changed, path, before, after);
  return changed;
}

/** Uses loops and one list, because an object has hundreds of members and an update changes few of them. */
function addChangedPaths(changed: string[], path: string, before: unknown, after: unknown): void {
  if (!isMap(before) || !isMap(after)) {
    if (!isEqual(before, after)) changed.push(path);
    return;
  }
  const names: string[] = [];
  for (const name of Object.keys(before)) if (before[name] !== ownMember(after, name)) names.push(name);
  for (const name of Object.keys(after))
    if (after[name] !== undefined && !Object.hasOwn(before, name)) names.push(name);
  for (const name of names.sort())
    addChangedPaths(
      changed,
      path === "" ? name : `${path}.${name}`,
      ownMember(before, name),
      ownMember(after, name),
    );
}

/** Whether two JSON values are equal. The order of members does not count, and an undefined member counts as absent. */
function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false;
    for (let index = 0; index < one.length; index += 1) if (!isEqual(one[index], other[index])) return false;
    return true;
  }
  if (!isMap(one) || !isMap(other)) return false;
  for (const name of Object.keys(one)) if (!isEqual(one[name], ownMember(other, name))) return false;
  for (const name of Object.keys(other))
    if (other[name] !== undefined && !Object.hasOwn(one, name)) return false;
  return true;
}

const ownMember = (map: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(map, name) ? map[name] : undefined;

/** The part of an object that users write. The API server and controllers write the rest. */
export function userWrittenPart(object: object | undefined): Record<string, unknown> {
  const {
    metadata,
    status: _,
    ...rest
  } = (object ?? {}) as Record<string, unknown> & { metadata?: Record<string, unknown> };
  const { labels, annotations, ownerReferences, finalizers } = metadata ?? {};
  return { ...rest, metadata: { labels, annotations, ownerReferences, finalizers } };
}

/** The paths of the members that a request changes in the part that users write. */
export const userChangedPaths = ({ oldObject, object }: AdmissionInput): string[] =>
  changedPaths(userWrittenPart(oldObject), userWrittenPart(object));

/**
 * The paths of the fields that an update changes. For every other request, and for an update without changes, the object's
 * path.
 */
export function affectedPaths(input: AdmissionInput): string[] {
  const whole = objectPath(input);
  if (input.operation !== "UPDATE" || input.subresource !== "") return [whole];
  const changed = userChangedPaths(input);
  return changed.length === 0 ? [whole] : changed;
}

/** A problem of one field of an object. */
export interface Problem {
  path: string;
  message: string;
  /** Absent: path and message identify the problem. */
  value?: unknown;
}

const keyOf = ({ path, message, value }: Problem): string => JSON.stringify([path, message, value]);

/**
 * The problems that an update adds. Problems that the object had before do not count, unless the value in that place has
 * changed.
 */
export function newProblems(
  before: readonly Problem[],
  after: readonly Problem[],
): Pick<Problem, "path" | "message">[] {
  const known = new Set(before.map(keyOf));
  return after
    .filter((problem) => !known.has(keyOf(problem)))
    .map(({ path, message }) => ({ path, message }));
}

/**
 * The problems that an update adds, when the message alone identifies a problem: the value that it names may move to another
 * place of the object.
 */
export function newMessages(before: readonly Problem[], after: readonly Problem[]): Problem[] {
  const known = new Set(before.map(({ message }) => message));
  return after.filter(({ message }) => !known.has(message));
}
