import { describe, expect, it } from "vitest";
import { MAX_NEW_ENDPOINTS, newEndpoints } from "../../../../src/admission/rules/endpoint-address.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { serviceAddressRule } from "../../../../src/admission/rules/service-address.ts";
import { creation, deletion, facts, placed, request } from "../../../support/builder/admission-request.ts";

const TAKEN = "10.244.7.7";
const known = facts({
  takenAddresses: new Set([TAKEN, "[2001:db8::7]"]),
  isForeignNamespace: (name) => name === "globex-prod",
});
const message = (address: string) =>
  `address ${address} is that of a Pod or a Service in a namespace that is not yours; remove it`;

const ENDPOINTS = { resource: "endpoints" };
const SLICES = { group: "discovery.k8s.io", resource: "endpointslices" };
const POD_STATUS = { resource: "pods", subresource: "status" };
const slice = (...addresses: unknown[]) => ({ endpoints: [{ addresses: [] }, { addresses }] });
const podStatus = (...ips: unknown[]) => ({ status: { podIPs: ips.map((ip) => ({ ip })) } });

describe("serviceAddressRule, for endpoints", () => {
  it.each<[string, AdmissionInput, string, string]>([
    [
      "Endpoints",
      creation({ ...ENDPOINTS, object: { subsets: [{ addresses: [{ ip: "10.0.0.1" }, { ip: TAKEN }] }] } }),
      "subsets[0].addresses[1].ip",
      TAKEN,
    ],
    [
      "Endpoints that are not ready",
      creation({ ...ENDPOINTS, object: { subsets: [{}, { notReadyAddresses: [{ ip: TAKEN }] }] } }),
      "subsets[1].notReadyAddresses[0].ip",
      TAKEN,
    ],
    [
      "an EndpointSlice",
      creation({ ...SLICES, object: slice("10.0.0.1", TAKEN) }),
      "endpoints[1].addresses[1]",
      TAKEN,
    ],
    [
      "an EndpointSlice, in another form of the address",
      creation({ ...SLICES, object: slice("2001:DB8:0::7") }),
      "endpoints[1].addresses[0]",
      "[2001:db8::7]",
    ],
    [
      "the status of a Pod",
      request({ ...POD_STATUS, oldObject: podStatus("10.0.0.1"), object: podStatus("10.0.0.1", TAKEN) }),
      "status.podIPs[1].ip",
      TAKEN,
    ],
    [
      "the first address of a Pod, where the list lacks it",
      request({ ...POD_STATUS, object: { status: { podIP: TAKEN, podIPs: [{ ip: "10.0.0.1" }] } } }),
      "status.podIP",
      TAKEN,
    ],
    [
      "a second address of a Pod, beside a first one that the list lacks",
      request({ ...POD_STATUS, object: { status: { podIP: "10.0.0.1", podIPs: [{ ip: TAKEN }] } } }),
      "status.podIPs[0].ip",
      TAKEN,
    ],
    [
      "the first address of a Pod once, where the list has it",
      request({
        ...POD_STATUS,
        object: { status: { podIP: TAKEN, podIPs: [{ ip: TAKEN }, { ip: "10.0.0.2" }] } },
      }),
      "status.podIPs[0].ip",
      TAKEN,
    ],
  ])("refuses addresses of others in %s", (_, input, path, address) =>
    expect(serviceAddressRule(input, known)).toEqual([
      { rule: "service-address", path, message: message(address) },
    ]),
  );

  it("refuses the name of a Service of others", () => {
    const host = "app.globex-prod.svc.cluster.local";
    expect(serviceAddressRule(creation({ ...SLICES, object: slice(host) }), known)).toEqual([
      {
        rule: "service-address",
        path: "endpoints[1].addresses[0]",
        message: `${host} is a Service in a namespace that is not yours; name another host`,
      },
    ]);
  });

  it.each<[string, AdmissionInput]>([
    ["that are free", creation({ ...SLICES, object: slice("10.0.0.1", "db.payments.example") })],
    ["that were there", request({ ...SLICES, oldObject: slice(TAKEN), object: slice(TAKEN) })],
    ["of another kind", creation({ group: "example.org", resource: "endpoints", object: slice(TAKEN) })],
    ["in a Pod itself, which the API server drops", creation({ resource: "pods", object: podStatus(TAKEN) })],
    ["that are no texts", creation({ ...SLICES, object: slice(7, null) })],
    ["that are removed", deletion({ ...SLICES, oldObject: slice(TAKEN) })],
  ])("allows addresses %s", (_, input) => expect(serviceAddressRule(input, known)).toEqual([]));

  it("allows them to a listed controller, unless it writes what others name", () => {
    const input = creation({ ...SLICES, object: slice(TAKEN) });
    const by = (namespace: string, at = "shop") =>
      serviceAddressRule(input, { ...known, identity: { kind: "controller", namespace }, place: placed(at) });
    expect(by("metallb")).toEqual([]);
    expect(by("velero", "velero")).toEqual([]);
    expect(by("velero")).toHaveLength(1);
  });

  it("bounds the addresses of one write, because each is looked up", () => {
    const addresses = Array.from({ length: MAX_NEW_ENDPOINTS + 1 }, (_, index) => `10.0.1.${index}`);
    const write = (...texts: string[]) => creation({ ...SLICES, object: slice(...texts) });
    expect(serviceAddressRule(write(...addresses.slice(1)), known)).toEqual([]);
    expect(serviceAddressRule(write(...addresses), known)).toEqual([
      {
        rule: "service-address",
        path: "endpoints[1].addresses[0]",
        message:
          "one write may add 100 addresses, because each is looked up; add the others in further writes",
      },
    ]);
  });
});

describe("newEndpoints", () => {
  it("finds none in a deletion or another kind", () => {
    expect(newEndpoints(deletion({ ...SLICES, oldObject: slice(TAKEN) }))).toEqual([]);
    expect(newEndpoints(creation({ object: slice(TAKEN) }))).toEqual([]);
  });
});
