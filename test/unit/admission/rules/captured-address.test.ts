import { describe, expect, it } from "vitest";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { serviceAddressRule } from "../../../../src/admission/rules/service-address.ts";
import { creation, deletion, facts, request } from "../../../support/builder/admission-request.ts";

const known = facts({ isForeignNamespace: (name) => name === "sovereign-zero" });
const REDIRECT = { group: "cilium.io", resource: "ciliumlocalredirectpolicies" };
const ENDPOINT = { group: "cilium.io", resource: "ciliumendpoints" };
const ENTRY = { group: "networking.istio.io", resource: "serviceentries" };

const redirect = (redirectFrontend: object) => ({ spec: { redirectFrontend } });
const address = (ip: string) => redirect({ addressMatcher: { ip } });
const entry = (spec: object) => creation({ ...ENTRY, object: { spec } });
const MATCHER = "spec.redirectFrontend.addressMatcher";
const CAPTURED = (ip: string) =>
  `Pods of others use address ${ip} too; name a Service of your own in serviceMatcher`;
const MESH = (ip: string) =>
  `the mesh would send traffic for ${ip} from every namespace to this entry; set spec.exportTo to ["."]`;
const AGENTS =
  "only Cilium's agents say which address belongs to which Pod; leave the object unchanged, or ask the platform team to list the namespace of the agents";

describe("serviceAddressRule, for addresses that others use", () => {
  it.each<[string, AdmissionInput, ...[string, string][]]>([
    [
      "a redirect of an address",
      creation({ ...REDIRECT, object: address("169.254.169.254") }),
      [MATCHER, CAPTURED("169.254.169.254")],
    ],
    [
      "a redirect of another address than before",
      request({ ...REDIRECT, oldObject: address("192.0.2.1"), object: address("192.0.2.2") }),
      [MATCHER, CAPTURED("192.0.2.2")],
    ],
    [
      "a redirect of a Service of others",
      creation({ ...REDIRECT, object: redirect({ serviceMatcher: { namespace: "sovereign-zero" } }) }),
      [
        "spec.redirectFrontend.serviceMatcher.namespace",
        "namespace sovereign-zero is not yours; name a namespace where you work",
      ],
    ],
    [
      "the target group of a load balancer of AWS",
      creation({
        ...{ group: "elbv2.k8s.aws", resource: "targetgroupbindings" },
        object: { spec: { targetGroupARN: "arn:a", serviceRef: { name: "app" } } },
      }),
      [
        "spec.targetGroupARN",
        "target group arn:a may receive the traffic of others; use an Ingress or a Service of type LoadBalancer, or ask the platform team",
      ],
    ],
    ["an endpoint", creation(ENDPOINT), ["status", AGENTS]],
    ["a change of an endpoint", request({ ...ENDPOINT, oldObject: {}, object: {} }), ["status", AGENTS]],
    ["an endpoint's status", request({ ...ENDPOINT, subresource: "status" }), ["status", AGENTS]],
    [
      "addresses of the whole mesh",
      entry({ addresses: ["192.0.2.1", "192.0.2.0/24"] }),
      ["spec.addresses[0]", MESH("192.0.2.1")],
      ["spec.addresses[1]", MESH("192.0.2.0/24")],
    ],
    [
      "addresses for a namespace",
      entry({ addresses: ["::1"], exportTo: [".", "a"] }),
      ["spec.addresses[0]", MESH("::1")],
    ],
    [
      "addresses for no namespace",
      entry({ addresses: ["::1"], exportTo: [] }),
      ["spec.addresses[0]", MESH("::1")],
    ],
  ])("refuses %s", (_, input, ...violations) => {
    expect(serviceAddressRule(input, known)).toEqual(
      violations.map(([path, message]) => ({ rule: "service-address", path, message })),
    );
  });

  it.each<[string, AdmissionInput]>([
    [
      "a redirect of its own Service",
      creation({ ...REDIRECT, object: redirect({ serviceMatcher: { namespace: "shop" } }) }),
    ],
    [
      "a redirect that it had",
      request({ ...REDIRECT, oldObject: address("192.0.2.1"), object: address("192.0.2.1") }),
    ],
    ["the deletion of an endpoint", deletion({ ...ENDPOINT, oldObject: {} })],
    ["addresses of its own namespace", entry({ addresses: ["240.0.0.1"], exportTo: ["."] })],
    ["an entry without addresses", entry({ hosts: ["a.example"] })],
    ["a kind of the same name", creation({ ...ENDPOINT, group: "example.org" })],
    ["a policy", creation({ ...ENDPOINT, resource: "ciliumnetworkpolicies" })],
  ])("passes %s", (_, input) => {
    expect(serviceAddressRule(input, known)).toEqual([]);
  });

  it("passes the agents of Cilium when the platform lists their namespace", () => {
    const agents = facts({ identity: { kind: "controller", namespace: "cilium" } });
    expect(serviceAddressRule(creation(ENDPOINT), agents)).toEqual([]);
  });
});
