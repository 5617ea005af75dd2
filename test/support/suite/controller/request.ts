import type { ClusterFacts } from "../../../../src/admission/rules/fact.ts";
import type { AdmissionInput, ReviewedObject } from "../../../../src/admission/rules/request.ts";
import { RULE_IDS, type RuleId } from "../../../../src/admission/rules/rule-id.ts";
import { CLUSTER, facts, GROUP, placed, request } from "../../builder/admission-request.ts";

/** A request that a product sends, as its published roles show, and the answer of admission. */
export interface ProductRequest {
  /** The title in the table of the page: `creates a CertificateRequest`. */
  title: string;
  where: Where;
  input: AdmissionInput;
  /** `trusted`: allowed when the platform trusts the image. */
  expected: "allowed" | "trusted" | RuleId;
}

export interface Product {
  /** The title of its section. */
  name: string;
  namespace: string;
  requests: readonly ProductRequest[];
}

const PLACES = {
  "an environment": placed("acme-prod", {
    [`${GROUP}/organization`]: "acme",
    [`${GROUP}/environment`]: "prod",
  }),
  "a Sovereign's namespace": placed("sovereign-omantel", { [`${GROUP}/sovereign`]: "omantel" }),
  "an ordinary namespace": placed("shop"),
  "kube-system": placed("kube-system"),
  "its own namespace": undefined,
  "cluster scope": CLUSTER,
};

type Where = keyof typeof PLACES;

/** The facts when the product sends the request. */
export const factsOf = ({ namespace }: Product, { where }: ProductRequest): ClusterFacts =>
  facts({ identity: { kind: "controller", namespace }, place: PLACES[where] ?? placed(namespace) });

/** The objects of a request by the name in its row: the new one, or the old and the new one. */
export type Objects = Record<string, object>;

const OPERATIONS = ["CREATE", "UPDATE", "DELETE", "CONNECT"] as const;
const RESOURCE = /^(?<resource>[a-z0-9]+)(?:\/(?<subresource>[a-z]+))?(?:\.(?<group>.+))?$/;

const oneOf = <T extends string>(values: readonly T[], text: string | undefined): T => {
  const found = values.find((value) => value === text);
  if (found === undefined) throw new Error(`${text} is none of ${values.join(", ")}`);
  return found;
};

/**
 * Reads rows of `title | where | OPERATION resource/subresource.group [name] | expected [| object]`. The last column names
 * one of `objects`; without it the object is empty.
 */
export function product(
  { name, namespace, account }: { name: string; namespace: string; account: string },
  rows: string,
  objects: Objects = {},
): Product {
  const parse = (row: string): ProductRequest => {
    const [title = "", at, call = "", answer, key] = row.split("|").map((cell) => cell.trim());
    const where = oneOf(Object.keys(PLACES) as Where[], at);
    const [verb, path = "", objectName = "x"] = call.split(" ");
    const operation = oneOf(OPERATIONS, verb);
    const { resource = "", subresource = "", group = "" } = RESOURCE.exec(path)?.groups ?? {};
    const named = key === undefined ? {} : objects[key];
    if (named === undefined) throw new Error(`${title}: no object '${key}'`);
    const { oldObject = named, object = named } = named as { oldObject?: object; object?: object };
    const place = PLACES[where] ?? placed(namespace);
    return {
      ...{ title, where, expected: oneOf(["allowed", "trusted", ...RULE_IDS], answer) },
      input: request({
        ...{ operation, resource, subresource, group, name: objectName },
        namespace: "namespace" in place ? place.namespace : "",
        user: { username: `system:serviceaccount:${namespace}:${account}`, groups: [] },
        object: operation === "DELETE" ? undefined : (object as ReviewedObject),
        oldObject: ["CREATE", "CONNECT"].includes(operation) ? undefined : (oldObject as ReviewedObject),
      }),
    };
  };
  return { name, namespace, requests: rows.trim().split("\n").map(parse) };
}
