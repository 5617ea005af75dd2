import { describe, expect, it } from "vitest";
import { ownerReferenceRule } from "../../../../src/admission/rules/owner-reference.ts";
import { creation, deletion, GROUP, request, reviewed } from "../../../support/builder/admission-request.ts";

const known = { isForeignNamespace: (name: string) => name === "globex-prod" };
const SOVEREIGN = { apiVersion: `${GROUP}/v1alpha1`, kind: "Sovereign", name: "omantel", uid: "u" };
const NAMESPACE = { apiVersion: "v1", kind: "Namespace", name: "globex-prod", uid: "u" };
const owned = (...owners: object[]) => reviewed({ metadata: { name: "x", ownerReferences: owners } });
const blocking = (owner: object) => ({ ...owner, blockOwnerDeletion: true });

describe("ownerReferenceRule", () => {
  it.each<[string, object, string, string]>([
    ["an object of the product", SOVEREIGN, "platform-kind", "Sovereign omantel"],
    ["a namespace of others", NAMESPACE, "namespace-guarded", "Namespace globex-prod"],
  ])("refuses to keep %s from being deleted", (_, owner, rule, name) => {
    const object = owned({ ...owner, kind: "Other", apiVersion: "v1" }, blocking(owner));
    const denial = {
      rule,
      path: "metadata.ownerReferences[1].blockOwnerDeletion",
      message: `the platform could not delete ${name} before this object; remove this field`,
    };
    expect(ownerReferenceRule(creation({ object }), known)).toEqual([denial]);
    expect(ownerReferenceRule(request({ object, oldObject: owned(owner) }), known)).toEqual([denial]);
  });

  it.each<[string, object]>([
    ["the product that deletes the object with it", SOVEREIGN],
    ["the product whose deletion does not wait", { ...SOVEREIGN, blockOwnerDeletion: false }],
    ["the requester's namespace", blocking({ ...NAMESPACE, name: "shop" })],
    ["another kind with the name of a namespace", blocking({ ...NAMESPACE, kind: "ConfigMap" })],
    ["a Namespace of another group", blocking({ ...NAMESPACE, apiVersion: "example.org/v1" })],
    [
      "a group whose name begins like the product's",
      blocking({ ...SOVEREIGN, apiVersion: `${GROUP}.test/v1` }),
    ],
  ])("allows an owner of %s", (_, owner) =>
    expect(ownerReferenceRule(creation({ object: owned(owner) }), known)).toEqual([]),
  );

  it("does not judge an owner that was there, or a deletion", () => {
    const object = owned(blocking(SOVEREIGN));
    expect(ownerReferenceRule(request({ object, oldObject: object }), known)).toEqual([]);
    expect(ownerReferenceRule(deletion({ oldObject: object }), known)).toEqual([]);
  });
});
