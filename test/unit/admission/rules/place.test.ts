import { describe, expect, it } from "vitest";
import { type Identity, identityLists, identityOf } from "../../../../src/admission/rules/identity.ts";
import {
  guardedNames,
  placeOfNamespace,
  reservedBy,
  selectionOf,
} from "../../../../src/admission/rules/place.ts";
import { LABEL } from "../../../../src/api/label.ts";
import { franchise } from "../../../support/builder/catalyst-object.ts";

const lists = identityLists({
  platformNamespaces: ["argocd"],
  controlPlanePrefixes: ["eks:"],
  controllerNamespaces: ["linkerd", "kube-system"],
});

describe("placeOfNamespace", () => {
  it.each<[string, Record<string, string> | undefined, string]>([
    ["kube-system", {}, "platform"],
    ["kube-public", {}, "platform"],
    ["kube-node-lease", undefined, "platform"],
    ["catalyst-system", { [LABEL.organization]: "a" }, "platform"],
    ["argocd", {}, "platform"],
    ["cert-manager", {}, "controller"],
    ["linkerd", undefined, "controller"],
    ["catalog", {}, "catalog"],
    ["catalog-sovereign", undefined, "privateCatalog"],
    ["org-a", { [LABEL.organization]: "a" }, "organization"],
    ["a-dev", { [LABEL.organization]: "a", [LABEL.environment]: "dev" }, "environment"],
    ["s", { [LABEL.sovereign]: "s" }, "sovereign"],
    ["s", { [LABEL.managedBy]: "operator" }, "sovereign"],
    ["shop", { app: "shop" }, "ordinary"],
    ["org-b", {}, "ordinary"],
    ["new", undefined, "unknown"],
  ])("places %s with labels %o: %s", (name, labels, kind) => {
    expect(placeOfNamespace(name, labels, lists).kind).toBe(kind);
  });
});

describe("selectionOf", () => {
  it.each<[string, Record<string, string>, string]>([
    ["kube-system", { [LABEL.organization]: "a" }, "listed"],
    ["linkerd", {}, "listed"],
    ["catalog", {}, "listed"],
    [
      "a-dev",
      { [LABEL.environment]: "dev", [LABEL.organization]: "a", [LABEL.managedBy]: "x" },
      "organization",
    ],
    ["s", { [LABEL.managedBy]: "operator", [LABEL.sovereign]: "s" }, "sovereign"],
    ["e", { [LABEL.environment]: "dev" }, "environment"],
    ["m", { [LABEL.managedBy]: "operator" }, "managed-by"],
    ["shop", { app: "shop" }, "ordinary"],
  ])("selects namespace %s with labels %o as %s", (name, labels, selection) => {
    expect(selectionOf(name, labels, lists)).toBe(selection);
  });
});

describe("reservedBy", () => {
  const organizations = new Set(["acme"]);
  it.each<[string, string | undefined]>([
    ["catalyst-system", "the platform's list of namespaces"],
    ["velero", "the platform's list of namespaces"],
    ["kube-anything", "Kubernetes (kube-*)"],
    ["org-acme", "Organizations (org-*)"],
    ["sovereign-x", "Sovereigns (sovereign-*)"],
    ["acme-prod", "environments of Organizations (<organization>-<environment>)"],
    ["other-prod", undefined],
    ["acme-test", undefined],
    ["shop", undefined],
  ])("says of %s: %s", (name, expected) => {
    expect(reservedBy(name, organizations, lists)).toBe(expected);
  });
});

describe("identityLists", () => {
  it("adds to the built-in entries and removes none", () => {
    const added = identityLists({
      ...{ platformGroups: ["ops"], platformNamespaces: ["argocd"], controlPlanePrefixes: ["eks:"] },
    });
    expect(added.controlPlanePrefixes).toEqual(["system:kube-", "eks:"]);
    expect(added.platformGroups).toEqual([
      "system:masters",
      "kubeadm:cluster-admins",
      "catalyst:platform",
      "ops",
    ]);
    expect(added.platformNamespaces).toEqual(["kube-system", "catalyst-system", "flux-system", "argocd"]);
  });

  it("adds to the namespaces of the cluster itself, which the webhook's selectors name", () => {
    expect(guardedNames(lists)).toEqual(
      expect.arrayContaining(["kube-public", "kube-node-lease", "catalog"]),
    );
  });

  it("keeps a platform namespace the platform's when it is also listed for controllers", () => {
    expect(lists.controllerNamespaces).not.toContain("kube-system");
    expect(new Set(guardedNames(lists)).size).toBe(guardedNames(lists).length);
  });
});

describe("identityOf", () => {
  const omantel = franchise("omantel");
  const account = (namespace: string) => ({ username: `system:serviceaccount:${namespace}:x`, groups: [] });
  it.each<[string, { username: string; groups: string[] }, Identity["kind"]]>([
    ["an administrator", { username: "root", groups: ["system:masters"] }, "platform"],
    [
      "kubeadm's administrator",
      { username: "kubernetes-admin", groups: ["kubeadm:cluster-admins"] },
      "platform",
    ],
    ["a controller of kube-system", account("kube-system"), "platform"],
    ["a configured namespace", account("argocd"), "platform"],
    ["a node", { username: "system:node:a", groups: ["system:nodes"] }, "controlPlane"],
    ["the scheduler", { username: "system:kube-scheduler", groups: [] }, "controlPlane"],
    [
      "EKS's approver of certificates",
      { username: "eks:certificate-controller", groups: ["system:authenticated"] },
      "controlPlane",
    ],
    ["a name in which a configured beginning comes later", { username: "x-eks:a", groups: [] }, "tenant"],
    ["cert-manager", account("cert-manager"), "controller"],
    ["a subject of a Franchise", { username: "omantel-admin", groups: [] }, "franchisee"],
    ["a stranger", { username: "eve", groups: ["system:authenticated"] }, "tenant"],
    [
      "a name that only looks like an account's",
      { username: "system:serviceaccount:kube-system", groups: [] },
      "tenant",
    ],
    ["an account whose namespace only begins so", account("kube-system-2"), "tenant"],
  ])("%s", (_, user, kind) => {
    expect(identityOf(user, { franchises: [omantel], isRunning: () => true }, lists).kind).toBe(kind);
  });
});
