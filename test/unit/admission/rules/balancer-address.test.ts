import { describe, expect, it } from "vitest";
import {
  ADDRESS_ANNOTATION_SUFFIXES,
  heldAddresses,
  newAddresses,
  normalAddress,
} from "../../../../src/admission/rules/balancer-address.ts";
import type { AdmissionInput, ReviewedObject } from "../../../../src/admission/rules/request.ts";
import { serviceAddressRule } from "../../../../src/admission/rules/service-address.ts";
import { creation, facts, placed, request } from "../../../support/builder/admission-request.ts";

const SERVICE = { group: "", resource: "services" };
const annotated = (name: string, value: string, spec: object = {}): ReviewedObject => ({
  ...{ metadata: { annotations: { [name]: value } }, spec },
});
const made = (object: ReviewedObject) => creation({ ...SERVICE, object });
const refused = (input: AdmissionInput, change = {}) =>
  serviceAddressRule(input, facts({ takenAddresses: new Set(["203.0.113.7", "[2001:db8::7]"]), ...change }));
const TAKEN = (address: string) =>
  `address ${address} is that of a Service in a namespace that is not yours; remove it, so that the load balancer chooses a free one`;

describe("serviceAddressRule, for addresses of load balancers", () => {
  it.each([
    ["metallb.universe.tf/loadBalancerIPs", "203.0.113.9, 203.0.113.7", "203.0.113.7"],
    ["metallb.io/loadBalancerIPs", "203.0.113.7", "203.0.113.7"],
    ["kube-vip.io/loadbalancerIPs", " 203.0.113.7 ", "203.0.113.7"],
    ["io.cilium/lb-ipam-ips", "203.0.113.7", "203.0.113.7"],
    ["lbipam.cilium.io/ips", "2001:DB8:0::7", "[2001:db8::7]"],
    ["purelb.io/addresses", "203.0.113.7", "203.0.113.7"],
    ["loxilb.io/staticIP", "203.0.113.7", "203.0.113.7"],
    ["service.beta.kubernetes.io/azure-load-balancer-ipv4", "203.0.113.7", "203.0.113.7"],
    ["service.beta.kubernetes.io/azure-load-balancer-ipv6", "2001:db8::7", "[2001:db8::7]"],
  ])("refuses %s: %s", (name, value, address) => {
    expect(refused(made(annotated(name, value)))).toEqual([
      { rule: "service-address", path: `metadata.annotations[${name}]`, message: TAKEN(address) },
    ]);
  });

  it("refuses the field of a Service", () => {
    expect(refused(made({ spec: { loadBalancerIP: "203.0.113.7" } }))).toEqual([
      { rule: "service-address", path: "spec.loadBalancerIP", message: TAKEN("203.0.113.7") },
    ]);
  });

  it.each([
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::FFFF:cb00:7107", "203.0.113.7"],
    ["203.000.113.007", "203.0.113.7"],
    ["2001:0db8:0:0::0007", "[2001:db8::7]"],
  ])("refuses an address of others that is written as %s", (text, address) => {
    expect(refused(made({ spec: { loadBalancerIP: text } }))).toEqual([
      { rule: "service-address", path: "spec.loadBalancerIP", message: TAKEN(address) },
    ]);
  });

  it("refuses an address of others that a write of the status adds by an annotation", () => {
    const object = annotated("metallb.io/loadBalancerIPs", "203.0.113.7");
    const input = request({ ...SERVICE, subresource: "status", oldObject: {}, object });
    expect(refused(input)).toMatchObject([{ rule: "service-address" }]);
  });

  it.each([
    ["metallb.universe.tf/allow-shared-ip", "omantel"],
    ["metallb.io/allow-shared-ip", "shop-2/dns"],
    ["purelb.io/allow-shared-ip", "shop"],
  ])("refuses %s: %s", (name, value) => {
    expect(refused(made(annotated(name, value)))).toEqual([
      {
        rule: "service-address",
        path: `metadata.annotations[${name}]`,
        message: `the key ${value} may be that of another namespace's Service; set it to shop/<name>`,
      },
    ]);
  });

  it.each<[string, AdmissionInput]>([
    ["a key that begins with its namespace", made(annotated("metallb.io/allow-shared-ip", "shop/dns"))],
    ["an address that no Service has", made(annotated("metallb.io/loadBalancerIPs", "203.0.113.9"))],
    ["an annotation of another meaning", made(annotated("example.org/address", "203.0.113.7"))],
    [
      "what the Service had before",
      request({
        ...SERVICE,
        oldObject: annotated("metallb.io/allow-shared-ip", "omantel", { loadBalancerIP: "203.0.113.7" }),
        object: annotated("metallb.io/allow-shared-ip", "omantel", { loadBalancerIP: "203.0.113.7" }),
      }),
    ],
    ["another kind", creation({ object: { spec: { loadBalancerIP: "203.0.113.7" } } })],
  ])("passes %s", (_, input) => {
    expect(refused(input)).toEqual([]);
  });

  it("lets a listed controller choose a key in its own namespace, and in no other", () => {
    const identity = { kind: "controller", namespace: "ingress-nginx" };
    const input = made(annotated("metallb.io/allow-shared-ip", "shared"));
    expect(refused(input, { identity, place: placed("ingress-nginx") })).toEqual([]);
    expect(refused(input, { identity })).toHaveLength(1);
  });
});

describe("newAddresses", () => {
  it("returns only the addresses that the Service did not ask for before", () => {
    const input = request({
      ...SERVICE,
      oldObject: annotated("metallb.io/loadBalancerIPs", "203.0.113.7"),
      object: annotated("metallb.io/loadBalancerIPs", "203.0.113.7,203.0.113.8"),
    });
    expect(newAddresses(input)).toEqual([
      { path: "metadata.annotations[metallb.io/loadBalancerIPs]", address: "203.0.113.8" },
    ]);
    expect(newAddresses({ ...input, operation: "DELETE" })).toEqual([]);
    expect(newAddresses({ ...input, subresource: "status" })).toHaveLength(1);
    expect(newAddresses({ ...input, subresource: "proxy" })).toEqual([]);
  });
});

describe("normalAddress", () => {
  it("changes zeros in addresses, and not in names", () => {
    expect(["010.001.0.07", "db-01.a.example", "01.a.example"].map(normalAddress)).toEqual([
      "10.1.0.7",
      "db-01.a.example",
      "01.a.example",
    ]);
  });
});

describe("ADDRESS_ANNOTATION_SUFFIXES", () => {
  it.each([
    ...["metallb.io/allow-shared-ip", "metallb.io/loadBalancerIPs", "kube-vip.io/loadbalancerIPs"],
    ...["io.cilium/lb-ipam-ips", "lbipam.cilium.io/ips", "purelb.io/addresses", "loxilb.io/staticIP"],
    "service.beta.kubernetes.io/azure-load-balancer-ipv4",
    "service.beta.kubernetes.io/azure-load-balancer-ipv6",
  ])("has the end of %s, so that the webhook is called for it", (name) =>
    expect(ADDRESS_ANNOTATION_SUFFIXES.some((suffix) => name.endsWith(suffix))).toBe(true),
  );
});

describe("heldAddresses", () => {
  it("returns the addresses that a Service asks for, and those that it has", () => {
    const service = {
      ...annotated("lbipam.cilium.io/ips", "203.0.113.7", { loadBalancerIP: "203.0.113.8" }),
      status: { loadBalancer: { ingress: [{ ip: "2001:DB8::7" }, { hostname: "a.b" }, null] } },
    };
    expect(heldAddresses(service)).toEqual(["203.0.113.8", "203.0.113.7", "[2001:db8::7]"]);
    expect(heldAddresses(undefined)).toEqual([]);
  });
});

describe("serviceAddressRule, for a Gateway", () => {
  const GATEWAY = { group: "gateway.networking.k8s.io", resource: "gateways", name: "own" };
  const infrastructure = (name: string, value: string) => ({
    spec: { infrastructure: { annotations: { [name]: value } } },
  });
  const asked = { spec: { addresses: [{ type: "IPAddress" }, { value: "203.0.113.7" }] } };
  const SHARING = "metallb.io/allow-shared-ip";

  it("refuses an address of others in its list and in the annotations of its Service", () => {
    expect(refused(creation({ ...GATEWAY, object: asked })).map(({ path }) => path)).toEqual([
      "spec.addresses[1].value",
    ]);
    const object = infrastructure("metallb.io/loadBalancerIPs", "203.0.113.7");
    expect(refused(creation({ ...GATEWAY, object })).map(({ path }) => path)).toEqual([
      "spec.infrastructure.annotations[metallb.io/loadBalancerIPs]",
    ]);
  });

  it("refuses a sharing key of others, unless it had it before or a controller writes it in its own namespace", () => {
    const object = infrastructure(SHARING, "omantel");
    const [path] = [`spec.infrastructure.annotations[${SHARING}]`];
    expect(refused(creation({ ...GATEWAY, object })).map((it) => it.path)).toEqual([path]);
    expect(refused(request({ ...GATEWAY, oldObject: object, object }))).toEqual([]);
    const controller = { identity: { kind: "controller", namespace: "velero" }, place: placed("velero") };
    expect(refused(creation({ ...GATEWAY, object }), controller)).toEqual([]);
  });

  it("allows a free address, and what another kind names so", () => {
    const object = { spec: { addresses: [{ value: "203.0.113.9" }] } };
    expect(refused(creation({ ...GATEWAY, object }))).toEqual([]);
    expect(refused(creation({ ...GATEWAY, group: "networking.istio.io", object: asked }))).toEqual([]);
    expect(refused(request({ ...GATEWAY, subresource: "status", oldObject: asked, object: asked }))).toEqual(
      [],
    );
  });
});
