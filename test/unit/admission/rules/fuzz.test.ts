import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedReview, parseReview } from "../../../../src/admission/review.ts";
import type { ClusterFacts } from "../../../../src/admission/rules/fact.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { artifactsToCheck, evaluateRules } from "../../../../src/admission/rules/rule-list.ts";
import { facts, TENANT } from "../../../support/builder/admission-request.ts";
import {
  container,
  DENIED,
  DEPLOYMENT,
  old,
  type Subject,
  workload,
} from "../../../support/builder/denied-review.ts";

/** Counts CPU time, because the machine may run other tests at the same time. */
const MAX_CPU_MS = 1_000;

const review = ({ operation = "CREATE", group = "", ...subject }: Subject) => ({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: {
    uid: "1",
    operation,
    resource: { group, version: "v1", resource: subject.resource },
    subResource: subject.subResource,
    name: subject.resource === "namespaces" ? "org-x" : "x",
    namespace: "shop",
    userInfo: { username: "eve", groups: ["system:authenticated"] },
    object: subject.object ?? null,
    oldObject: subject.oldObject ?? null,
  },
});

/** The input; undefined when the body is refused, which the API server takes for a denial. */
function readInput(text: string): AdmissionInput | undefined {
  try {
    return parseReview(JSON.parse(text)).input;
  } catch (error) {
    if (error instanceof MalformedReview) return undefined;
    throw error;
  }
}

/** The rules that deny a review. Throws when it takes too long. */
function judged(text: string, facts: ClusterFacts): string[] {
  const before = process.threadCpuUsage();
  const input = readInput(text);
  if (input === undefined) return ["malformed"];
  const rules = evaluateRules(input, facts).map(({ rule }) => rule);
  artifactsToCheck(input, facts);
  const { user, system } = process.threadCpuUsage(before);
  const ms = (user + system) / 1000;
  if (ms > MAX_CPU_MS) throw new Error(`the review took ${ms} ms of CPU`);
  return rules;
}

/** JSON of a value that no schema has checked. */
const HOSTILE = fc.oneof(
  fc.json(),
  fc.constantFrom(
    ...["null", "true", "-1", "1e308", '""', "[]", "{}", "[[]]", "[null]", '[{"":null}]'],
    ...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{}}}', '{"toString":1,"length":-1}'],
    ...[
      '"__proto__"',
      '"constructor"',
      '"\\u0000"',
      '"\\ud800"',
      '"%00"',
      '"*"',
      '"*.*"',
      '"."',
      '"@"',
      '"~^(a+)+$"',
    ],
  ),
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  fc.integer({ min: 100, max: 5_000 }).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`),
  fc.integer({ min: 100, max: 5_000 }).map((depth) => `${'{"spec":'.repeat(depth)}1${"}".repeat(depth)}`),
);

/** Every path of a JSON value, as its members. */
function pathsOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  const members: [string | number, unknown][] = Array.isArray(value)
    ? value.map((item, index): [number, unknown] => [index, item])
    : Object.entries(value);
  return [path, ...members.flatMap(([name, item]) => pathsOf(item, [...path, name]))];
}

const MARK = "a mark that is replaced";
/** The text of the review with a member replaced by other JSON. */
function withMember(value: object, path: (string | number)[], json: string): string {
  const copy = structuredClone(value) as Record<string, unknown>;
  const last = path.at(-1);
  if (last === undefined) return json;
  const owner = path.slice(0, -1).reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], copy);
  (owner as Record<string | number, unknown>)[last] = MARK;
  return JSON.stringify(copy).replace(JSON.stringify(MARK), () => json);
}

/** Members that mean nothing to a rule, added at any place where an object has members. */
const MEANINGLESS = fc.record({
  name: fc.constantFrom(
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "zz",
    "\u202e",
    "ключ",
    "a.b/c",
    "toJSON",
  ),
  json: fc.oneof(
    fc.json({ maxDepth: 3 }).filter((json) => !/image|container|host/i.test(json)),
    fc.integer({ min: 1, max: 5_000 }).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`),
    fc.integer({ min: 0, max: 20_000 }).map((length) => JSON.stringify(Array.from({ length }, () => "x"))),
  ),
});

describe.each(DENIED)("a review of %s", (_, subject, facts) => {
  const whole = review(subject);
  const paths = pathsOf(whole);

  it("denies the review", () => {
    expect(readInput(JSON.stringify(whole))).toBeDefined();
    expect(judged(JSON.stringify(whole), facts)).not.toEqual([]);
  });

  it("never crashes or hangs the rules, whatever a member is replaced by", () => {
    fc.assert(
      fc.property(fc.constantFrom(...paths), HOSTILE, (path, json) => {
        judged(withMember(whole, path, json), facts);
      }),
      { numRuns: 100 },
    );
  });

  it("denies the review also with meaningless members, and with members twice", () => {
    const objects = paths.filter((path) => {
      const at = path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], whole);
      return typeof at === "object" && at !== null && !Array.isArray(at);
    });
    fc.assert(
      fc.property(fc.constantFrom(...objects), MEANINGLESS, fc.boolean(), (path, { name, json }, twice) => {
        const at = path.reduce<unknown>((value, member) => (value as Record<string, unknown>)[member], whole);
        const members = JSON.stringify(at).slice(1, -1);
        const added = [twice ? members : "", `${JSON.stringify(name)}:${json}`, members]
          .filter((part) => part !== "")
          .join(",");
        expect(judged(withMember(whole, path, `{${added}}`), facts)).not.toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});

/** A list of this many items in a Pod specification, a Certificate or an annotation: about 3 MiB of JSON. */
const many = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));
const fleet = facts({
  identity: TENANT,
  sovereignHosts: new Map(
    many(10_000, (index) => [`billing.tenant-${index}.catalyst.example`, `tenant-${index}`]),
  ),
});

describe("a review of 3 MiB", () => {
  it.each<[string, Subject]>([
    [
      "containers",
      {
        ...DEPLOYMENT,
        object: workload({ containers: many(30_000, (at) => ({ ...container, name: `c${at}` })) }),
      },
    ],
    [
      "volumes",
      {
        ...DEPLOYMENT,
        object: workload({ volumes: many(60_000, () => ({ name: "v", hostPath: { path: "/" } })) }),
      },
    ],
    [
      "names of a certificate",
      {
        group: "cert-manager.io",
        resource: "certificates",
        object: { spec: { dnsNames: many(150_000, (at) => `*.${at}.example`) } },
      },
    ],
    [
      "bytes of a certificate request",
      {
        ...{ group: "cert-manager.io", resource: "certificaterequests" },
        object: { spec: { request: Buffer.alloc(2_000_000, 0x82).toString("base64") } },
      },
    ],
    [
      "strings in a certificate request",
      {
        ...{ group: "cert-manager.io", resource: "certificaterequests" },
        object: { spec: { request: Buffer.alloc(45_000, "\u0016\u0003*.a").toString("base64") } },
      },
    ],
    [
      "aliases",
      {
        ...{ group: "networking.k8s.io", resource: "ingresses" },
        object: {
          metadata: { annotations: { "nginx.ingress.kubernetes.io/server-alias": "*.a ".repeat(65_000) } },
        },
      },
    ],
    [
      "alternatives of a router",
      {
        ...{ group: "traefik.io", resource: "ingressroutes" },
        object: { spec: { routes: many(700, () => ({ match: "Host(`*.a`) || ".repeat(250) })) } },
      },
    ],
    [
      "rules of a role",
      {
        ...{ group: "rbac.authorization.k8s.io", resource: "roles" },
        object: {
          rules: many(30_000, () => ({
            verbs: ["get"],
            apiGroups: [""],
            resources: ["pods"],
            resourceNames: ["a"],
          })),
        },
      },
    ],
    [
      "labels that change",
      {
        resource: "configmaps",
        object: { data: { a: "b" } },
        ...old({ data: Object.fromEntries(many(60_000, (at) => [`k${at}`, "x"])) }),
      },
    ],
    [
      "open brackets in a text",
      { ...DEPLOYMENT, object: workload({ containers: [{ image: "[".repeat(3_000_000) }] }) },
    ],
  ])("judges a review with many %s within a second", (_, subject) => {
    judged(JSON.stringify(review(subject)), fleet);
  });
});
