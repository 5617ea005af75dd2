import { describe, expect, it } from "vitest";
import { podIsolationRule } from "../../../../src/admission/rules/pod-isolation.ts";
import { networkEscapes } from "../../../../src/admission/rules/pod-network.ts";
import { creation, facts, request, reviewed } from "../../../support/builder/admission-request.ts";

const known = facts({ isForeignNamespace: (name) => name === "globex-prod" });
const MULTUS = "k8s.v1.cni.cncf.io/networks";
const JOINS =
  "the Pod would join a network in a namespace that is not yours; name a network of your own namespace";
const TAKES = "the network plugin would give the Pod an address of others; remove this annotation";
const escapes = (annotation: string, value: unknown, path = "spec") =>
  networkEscapes({ path, annotations: { [annotation]: value } }, known);

describe("networkEscapes", () => {
  it.each([
    [MULTUS, "globex-prod/private"],
    [MULTUS, "own, globex-prod/private@net1"],
    [MULTUS, " globex-prod /private"],
    [MULTUS, '[{"name":"a"},{"name":"b","namespace":"globex-prod"}]'],
    [MULTUS, ' [{"Namespace" : "globex-prod","namespace":"shop"}]'],
    [MULTUS, '[{"name\\u0073pace":"globex-prod"}]'],
    ["v1.multus-cni.io/default-network", "globex-prod/private"],
  ])("refuses %s: %s", (name, value) =>
    expect(escapes(name, value)).toEqual([{ path: `metadata.annotations[${name}]`, message: JOINS, value }]),
  );

  it.each(["podIP", "podIPs", "containerID", "ipAddrsNoIpam", "floatingIPs", "allowedSourcePrefixes"])(
    "refuses %s of Calico",
    (name) =>
      expect(escapes(`cni.projectcalico.org/${name}`, "a", "spec.template.spec")).toEqual([
        {
          path: `spec.template.metadata.annotations[cni.projectcalico.org/${name}]`,
          message: TAKES,
          value: "a",
        },
      ]),
  );

  it.each([
    [MULTUS, "own, shop/own@net1"],
    [MULTUS, "globex-prod"],
    [MULTUS, '[{"name":"globex-prod"},{"name":"a","namespace":"shop"}]'],
    [MULTUS, 7],
    ["cni.projectcalico.org/ipAddrs", '["10.0.0.7"]'],
    ["cni.projectcalico.org/podIPsOfMine", "a"],
    ["example.org/networks", "globex-prod/private"],
  ])("allows %s: %s", (name, value) => expect(escapes(name, value)).toEqual([]));

  it("finds nothing in a Pod without annotations", () =>
    expect(networkEscapes({ path: "spec" }, known)).toEqual([]));
});

describe("podIsolationRule, for networks", () => {
  const pod = (value: string) =>
    reviewed({ metadata: { annotations: { [MULTUS]: value } }, spec: { containers: [{ name: "a" }] } });
  const PODS = { resource: "pods", name: "a" };

  it("judges a new or changed annotation", () => {
    const [path, message] = [`metadata.annotations[${MULTUS}]`, JOINS];
    const denial = { rule: "pod-isolation", path, message };
    const object = pod("globex-prod/b");
    expect(podIsolationRule(creation({ ...PODS, object }), known)).toEqual([denial]);
    const [oldObject, same] = [pod("globex-prod/a"), pod("globex-prod/b")];
    expect(podIsolationRule(request({ ...PODS, oldObject, object }), known)).toEqual([denial]);
    expect(podIsolationRule(request({ ...PODS, oldObject: same, object }), known)).toEqual([]);
  });

  const named = (name: string, value: string) =>
    reviewed({ metadata: { annotations: { [name]: value } }, spec: { containers: [{ name: "a" }] } });

  it.each([
    [MULTUS, "globex-prod/b"],
    ["v1.multus-cni.io/default-network", "globex-prod/b"],
    ["cni.projectcalico.org/ipAddrsNoIpam", "[]"],
  ])("judges %s in a status, which no plugin writes", (name, value) => {
    const input = { ...PODS, subresource: "status", oldObject: pod("own"), object: named(name, value) };
    expect(podIsolationRule(request(input), known).map(({ path }) => path)).toEqual([
      `metadata.annotations[${name}]`,
    ]);
  });

  it.each(["podIP", "podIPs", "containerID"])("leaves %s in a status to Calico", (name) => {
    const object = named(`cni.projectcalico.org/${name}`, "a");
    const input = { ...PODS, subresource: "status", oldObject: pod("own"), object };
    expect(podIsolationRule(request(input), known)).toEqual([]);
  });

  it.each([
    { resource: "pods", subresource: "binding" },
    { resource: "bindings", subresource: "" },
  ])("judges the annotations of a binding, $resource, which the API server copies", (resource) => {
    for (const [name, value] of [
      [MULTUS, "globex-prod/b"],
      ["cni.projectcalico.org/podIP", "10.0.0.7"],
    ] as const) {
      const object = reviewed({ metadata: { annotations: { [name]: value } }, target: { name: "node-1" } });
      expect(podIsolationRule(creation({ ...resource, name: "a", object }), known)).toMatchObject([
        { rule: "pod-isolation", path: `metadata.annotations[${name}]` },
      ]);
    }
    expect(podIsolationRule(creation({ ...resource, object: { metadata: {} } }), known)).toEqual([]);
  });
});
