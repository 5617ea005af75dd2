import { describe, expect, it } from "vitest";
import { deviceAllocationRule } from "../../../../src/admission/rules/device-allocation.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { deletion, facts, request, reviewed } from "../../../support/builder/admission-request.ts";

const STATUS = { group: "resource.k8s.io", resource: "resourceclaims", subresource: "status" };
const claim = (allocation: object | undefined, devices: object[] = []) => ({
  status: { allocation, devices },
});
const FIRST = { devices: { results: [{ device: "gpu-0" }] } };
const update = (before: object, object: object, change: Partial<AdmissionInput> = {}) =>
  request({ ...STATUS, oldObject: reviewed(before), object: reviewed(object), ...change });

describe("deviceAllocationRule", () => {
  it.each([
    ["gives a device", {}, claim(FIRST)],
    ["exchanges a device", claim(FIRST), claim({ devices: { results: [{ device: "gpu-1" }] } })],
  ])("refuses a status that %s", (_, before, object) =>
    expect(deviceAllocationRule(update(before, object), facts())).toEqual([
      {
        rule: "pod-isolation",
        path: "status.allocation",
        message:
          "only the scheduler allocates devices; leave this unchanged, or ask the platform team to list the namespace of your scheduler",
      },
    ]),
  );

  it.each([
    ["reports the state of devices", update(claim(FIRST), claim(FIRST, [{ device: "gpu-0" }]))],
    ["takes the device away", update(claim(FIRST), claim(undefined))],
    ["has no status", update({}, {})],
    ["belongs to a claim of another group", update({}, claim(FIRST), { group: "example.org" })],
    ["belongs to another kind", update({}, claim(FIRST), { resource: "resourceclaimtemplates" })],
    ["is dropped by a write of the claim itself", update({}, claim(FIRST), { subresource: "" })],
    ["is gone", deletion({ ...STATUS, oldObject: reviewed(claim(FIRST)) })],
  ])("allows a status that %s", (_, input) => expect(deviceAllocationRule(input, facts())).toEqual([]));

  it("allows it to a listed controller", () => {
    const controller = facts({ identity: { kind: "controller", namespace: "scheduler" } });
    expect(deviceAllocationRule(update({}, claim(FIRST)), controller)).toEqual([]);
  });
});
