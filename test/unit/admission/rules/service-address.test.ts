import { describe, expect, it } from "vitest";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { serviceAddressRule } from "../../../../src/admission/rules/service-address.ts";
import { creation, deletion, facts, request } from "../../../support/builder/admission-request.ts";

const known = facts({ isForeignNamespace: (name) => name === "sovereign-zero" });
const service = (spec: object, change: Partial<AdmissionInput> = {}) =>
  creation({ resource: "services", object: { spec }, ...change });
const named = (externalName: unknown) => service({ type: "ExternalName", externalName });
const balanced = (...ingress: unknown[]) => ({ status: { loadBalancer: { ingress } } });

const EXTERNAL = (address: string) => `external address ${address} could be another's; use type LoadBalancer`;
const ASSIGNED = (address: string) =>
  `only a load balancer's controller assigns ${address}; leave the status unchanged, or ask the platform team to list the controller's namespace`;
const FOREIGN = (name: string) => `${name} is a Service in a namespace that is not yours; name another host`;
const ADDRESS = (name: string) =>
  `${name} is an address, which may lead into the network of the client; write the name of a host`;

describe("serviceAddressRule", () => {
  it.each<[string, AdmissionInput, ...[string, string][]]>([
    [
      "external addresses",
      service({ externalIPs: ["203.0.113.7", "203.0.113.8"] }),
      ["spec.externalIPs[0]", EXTERNAL("203.0.113.7")],
      ["spec.externalIPs[1]", EXTERNAL("203.0.113.8")],
    ],
    [
      "an external address beside one that it had",
      request({
        resource: "services",
        oldObject: { spec: { externalIPs: ["203.0.113.7"] } },
        object: { spec: { externalIPs: ["203.0.113.8", "203.0.113.7"] } },
      }),
      ["spec.externalIPs[0]", EXTERNAL("203.0.113.8")],
    ],
    [
      "addresses of a load balancer",
      request({
        ...{ resource: "services", subresource: "status", oldObject: balanced({ ip: "203.0.113.7" }) },
        object: balanced({ ip: "203.0.113.7" }, { ip: "203.0.113.8" }, { hostname: "a.b" }),
      }),
      ["status.loadBalancer.ingress[1].ip", ASSIGNED("203.0.113.8")],
      ["status.loadBalancer.ingress[2].hostname", ASSIGNED("a.b")],
    ],
    [
      "the name of a guarded Service",
      named("billing.sovereign-zero.svc.cluster.local"),
      ["spec.externalName", FOREIGN("billing.sovereign-zero.svc.cluster.local")],
    ],
    [
      "a short name",
      named("Billing.Sovereign-zero."),
      ["spec.externalName", FOREIGN("billing.sovereign-zero")],
    ],
    ["the controller itself", named("a.localhost"), ["spec.externalName", ADDRESS("a.localhost")]],
    ["localhost", named("localhost"), ["spec.externalName", ADDRESS("localhost")]],
    ["an address", named("169.254.169.254"), ["spec.externalName", ADDRESS("169.254.169.254")]],
    ["an address as a number", named("2130706433"), ["spec.externalName", ADDRESS("127.0.0.1")]],
  ])("refuses %s", (_, input, ...violations) => {
    expect(serviceAddressRule(input, known)).toEqual(
      violations.map(([path, message]) => ({ rule: "service-address", path, message })),
    );
  });

  it.each<[string, AdmissionInput]>([
    ["a plain Service", service({ selector: { app: "web" }, ports: [{ port: 80 }] })],
    ["a host outside", named("db.example.com")],
    ["a Service of an ordinary namespace", named("web.bazaar.svc")],
    ["a name without dots", named("db")],
    ["a name that is ignored", service({ type: "ClusterIP", externalName: "billing.sovereign-zero.svc" })],
    ["a name that is no text", named(7)],
    ["malformed addresses", service({ externalIPs: "203.0.113.7" })],
    ["a status without addresses", service({}, { object: balanced({ ports: [] }, "x") })],
    ["a kind of another group", service({ externalIPs: ["203.0.113.7"] }, { group: "serving.knative.dev" })],
    ["another kind", service({ externalIPs: ["203.0.113.7"] }, { resource: "configmaps" })],
    ["a deletion", deletion({ resource: "services", oldObject: { spec: { externalIPs: ["203.0.113.7"] } } })],
    [
      "a connection",
      service({ externalIPs: ["203.0.113.7"] }, { operation: "CONNECT", subresource: "proxy" }),
    ],
  ])("passes %s", (_, input) => {
    expect(serviceAddressRule(input, known)).toEqual([]);
  });

  it("lets a listed controller assign the addresses of a load balancer", () => {
    const input = request({
      resource: "services",
      subresource: "status",
      object: balanced({ ip: "203.0.113.7" }),
    });
    const controller = facts({ identity: { kind: "controller", namespace: "ingress-nginx" } });
    expect(serviceAddressRule(input, controller)).toEqual([]);
  });
});
