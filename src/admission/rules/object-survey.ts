import { ANNOTATION } from "../../api/label.ts";
import { isMap } from "../../api/object.ts";
import { type FoundPodSpec, isContainerList, isPodSpec } from "./pod-template.ts";

/**
 * Kubernetes' own kinds nest a Pod specification at most 5 deep. The bound leaves room for custom kinds, and refuses
 * endless nesting.
 */
export const MAX_OBJECT_DEPTH = 64;

/** The specification of a claim of a volume somewhere in an object. */
export interface FoundClaim {
  path: string;
  spec: Record<string, unknown>;
}

/** The parts of an object that rules look for, at any depth and in any kind. */
export interface ObjectSurvey {
  /**
   * Every member with a list of containers. Controllers of custom kinds make Pods from such members, so they are judged
   * like workloads.
   */
  podSpecs: readonly FoundPodSpec[];
  /** The claims that name a volume or a source of data. */
  volumeClaims: readonly FoundClaim[];
  /** The members with the name of an evidence annotation, as JSON by path. */
  evidence: ReadonlyMap<string, string>;
  /** The path of a member that nests deeper than `MAX_OBJECT_DEPTH`. The members below it are not searched. */
  tooDeepAt: string | undefined;
}

const EMPTY: ObjectSurvey = { podSpecs: [], volumeClaims: [], evidence: new Map(), tooDeepAt: undefined };

/** A member of an object, itself an object or a list. Its path is built only where it is needed. */
interface Member {
  value: object;
  /** The member's name, or its index in a list. Empty for the object itself. */
  name: string | number;
  depth: number;
  parent: Member | undefined;
}

interface Surveyed {
  object: object;
  survey: ObjectSurvey;
}

/**
 * The surveys of the last two objects, which are nearly always those of the current review. A review never changes its
 * objects. A WeakMap in place of the two kept parts of dead objects, because a minor collection treats its values as
 * reachable.
 */
let newest: Surveyed | undefined;
let second: Surveyed | undefined;

/** Searches an object once for all rules, because it has hundreds of members and several rules need parts of it. */
export function surveyOf(object: unknown): ObjectSurvey {
  if (typeof object !== "object" || object === null) return EMPTY;
  if (newest?.object === object) return newest.survey;
  if (second?.object === object) return second.survey;
  second = newest;
  newest = { object, survey: walk(object) };
  return newest.survey;
}

function walk(object: object): ObjectSurvey {
  const podSpecs: FoundPodSpec[] = [];
  const volumeClaims: FoundClaim[] = [];
  const evidence = new Map<string, string>();
  let tooDeepAt: string | undefined;
  const open: Member[] = [rootMember(object)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.depth > MAX_OBJECT_DEPTH) {
      tooDeepAt ??= pathOfMember(next).slice(0, 80);
      continue;
    }
    const { value } = next;
    if (!isMap(value)) {
      pushItems(open, next, value as readonly unknown[]);
      continue;
    }
    if (!pushMembers(open, next, evidence)) continue;
    if (isPodSpec(value))
      podSpecs.push({ path: pathOfMember(next), spec: value, ...annotationsBeside(next) });
    if (isClaim(value, next)) volumeClaims.push({ path: pathOfMember(next), spec: value });
  }
  return { podSpecs, volumeClaims, evidence, tooDeepAt };
}

const CLAIM_NAME = /pvc|volumeclaim/i;

/**
 * Whether a member is the specification of a claim that names a volume or a source. A stored claim has access modes and a
 * size. In a template of a custom kind the controller may add them later, so the name of the member decides there.
 */
function isClaim(value: Record<string, unknown>, { name, parent }: Member): boolean {
  if (typeof value.volumeName !== "string" && !isMap(value.dataSourceRef)) return false;
  return (
    Array.isArray(value.accessModes) ||
    isMap(value.resources) ||
    [name, parent?.name].some((it) => CLAIM_NAME.test(String(it)))
  );
}

function annotationsBeside({ parent }: Member): Pick<FoundPodSpec, "annotations"> {
  const template = parent?.value;
  const annotations = isMap(template) && isMap(template.metadata) ? template.metadata.annotations : undefined;
  return isMap(annotations) ? { annotations } : {};
}

function pushItems(open: Member[], parent: Member, items: readonly unknown[]): void {
  const depth = parent.depth + 1;
  for (let name = 0; name < items.length; name += 1) {
    const value = items[name];
    if (typeof value === "object" && value !== null) open.push({ value, name, depth, parent });
  }
}

/**
 * Adds the members that are objects or lists to `open`. Returns whether one has a name that every Pod specification or
 * claim has: reading those members of each object instead took 3 µs for an ordinary review. `for in` with its value takes 1
 * µs less than `Object.keys`. JSON has no inherited members.
 */
function pushMembers(open: Member[], parent: Member, evidence: Map<string, string>): boolean {
  const depth = parent.depth + 1;
  const members = parent.value as Record<string, unknown>;
  let isSign = false;
  for (const name in members) {
    const value = members[name];
    if (isSignName(name)) isSign = true;
    // Comparing the first letter rules out nearly all names.
    if (name.charCodeAt(0) === FIRST_CODE && EVIDENCE.includes(name))
      evidence.set(`${pathOfMember(parent)}[${name}]`, JSON.stringify(value));
    if (typeof value !== "object" || value === null || isFieldOwnership(parent, name)) continue;
    open.push({ value, name, depth, parent });
  }
  return isSign;
}

const isSignName = (name: string): boolean =>
  isContainerList(name) || name === "volumeName" || name === "dataSourceRef";

/**
 * `metadata.managedFields` is skipped: the API server writes it, it holds no values, and it has as many members as the rest
 * of the object.
 */
const isFieldOwnership = (parent: Member, name: string): boolean =>
  name === "managedFields" && parent.depth === 1 && parent.name === "metadata";

const EVIDENCE: readonly string[] = [ANNOTATION.approvedBy, ANNOTATION.score];
const FIRST_CODE = ANNOTATION.score.charCodeAt(0);

const rootMember = (value: object): Member => ({ value, name: "", depth: 0, parent: undefined });

/** `spec.containers[0]`; empty for the object itself. */
function pathOfMember({ name, parent }: Member): string {
  if (parent === undefined) return "";
  const before = pathOfMember(parent);
  if (Array.isArray(parent.value)) return `${before}[${name}]`;
  return before === "" ? String(name) : `${before}.${name}`;
}
