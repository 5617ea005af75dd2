import { describe, expect, it } from "vitest";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { serviceAddressRule } from "../../../../src/admission/rules/service-address.ts";
import { creation, deletion, facts, request } from "../../../support/builder/admission-request.ts";

const AT = { namespace: "default", name: "kubernetes" };
const SLICE = { group: "discovery.k8s.io", resource: "endpointslices" };
const labelled = (service: string) => ({ metadata: { labels: { "kubernetes.io/service-name": service } } });

describe("the rule for the Service of the API server", () => {
  it.each<[string, AdmissionInput]>([
    ["a change of the Service", request({ ...AT, resource: "services" })],
    ["a change of its status", request({ ...AT, resource: "services", subresource: "status" })],
    ["a new Service in its place", creation({ ...AT, resource: "services" })],
    ["its deletion", deletion({ ...AT, resource: "services" })],
    ["its Endpoints", request({ ...AT, resource: "endpoints" })],
    ["its EndpointSlice", deletion({ ...AT, ...SLICE })],
    [
      "another EndpointSlice for it",
      creation({ ...AT, ...SLICE, name: "a", object: labelled("kubernetes") }),
    ],
    [
      "an EndpointSlice that leaves it",
      request({ ...AT, ...SLICE, name: "a", oldObject: labelled("kubernetes"), object: labelled("a") }),
    ],
    [
      "one of a collection",
      deletion({ ...AT, ...SLICE, name: "", oldObject: { metadata: { name: "kubernetes" } } }),
    ],
  ])("denies %s", (_, input) =>
    expect(serviceAddressRule(input, facts())).toMatchObject([
      {
        rule: "service-address",
        message: expect.stringContaining("Service kubernetes of namespace default"),
      },
    ]),
  );

  it.each<[string, AdmissionInput]>([
    ["another Service", request({ ...AT, name: "app", resource: "services" })],
    ["a Service of this name elsewhere", request({ ...AT, namespace: "shop", resource: "services" })],
    ["an EndpointSlice of another Service", creation({ ...AT, ...SLICE, name: "a", object: labelled("a") })],
    ["another kind of this name", request({ ...AT, resource: "configmaps" })],
  ])("allows %s", (_, input) => expect(serviceAddressRule(input, facts())).toEqual([]));
});
