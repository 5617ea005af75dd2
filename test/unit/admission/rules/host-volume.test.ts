import { describe, expect, it } from "vitest";
import { hostRule } from "../../../../src/admission/rules/host.ts";
import { creation, facts } from "../../../support/builder/admission-request.ts";

const known = facts({
  isForeignNamespace: (name) => name === "sovereign-zero",
  sovereignHosts: new Map([["omantel.test", "omantel"]]),
});
const judged = (volumeAttributes: Record<string, unknown>) =>
  hostRule(
    creation({
      ...{ group: "", resource: "pods" },
      object: {
        spec: {
          containers: [{ name: "a" }],
          volumes: [{}, { csi: { driver: "csi.cert-manager.io", volumeAttributes } }],
        },
      },
    }),
    known,
  ).map(({ path, message }) => [path, message]);
const at = (name: string) => `spec.volumes[1].csi.volumeAttributes[csi.cert-manager.io/${name}]`;
const SERVED = "host omantel.test is served by a Sovereign; choose another host name";
const PATTERN = (text: string) => `host ${text} is served by a Sovereign; choose another host name`;

describe("hostRule, for certificates in inline volumes", () => {
  it.each([
    [
      "dns-names",
      "a.example, OMANTEL.test.",
      "host OMANTEL.test. is served by a Sovereign; choose another host name",
    ],
    ["common-name", "omantel.test", SERVED],
    // The name of a Pod is its author's choice.
    ["dns-names", "$" + "{POD_NAME}.test", PATTERN("*.test")],
    ["dns-names", "oman$" + "{POD_NAME}.test", PATTERN("oman*.test")],
    [
      "dns-names",
      "app.sovereign-zero.svc",
      "host app.sovereign-zero.svc is that of a Service in a namespace that is not yours; choose another host name",
    ],
  ])("refuses %s %s", (name, value, message) => {
    expect(judged({ [`csi.cert-manager.io/${name}`]: value })).toEqual([[at(name), message]]);
  });

  it.each([
    ["dns-names", "app.example"],
    ["dns-names", "$" + "{POD_NAME}.$" + "{POD_NAMESPACE}.svc.cluster.local"],
    ["dns-names", 7],
    ["issuer-name", "omantel.test"],
  ])("passes %s %s", (name, value) => {
    expect(judged({ [`csi.cert-manager.io/${name}`]: value })).toEqual([]);
  });
});
