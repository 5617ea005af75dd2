import { describe, expect, it } from "vitest";
import { creation, GROUP } from "../../support/builder/admission-request.ts";
import { reviewer } from "../../support/builder/reviewer.ts";

describe("the addresses of endpoints", () => {
  const NAMESPACES = { shop: {}, bazaar: {}, omantel: { [`${GROUP}/sovereign`]: "omantel" } };
  const slice = (...addresses: string[]) =>
    creation({
      ...{ group: "discovery.k8s.io", resource: "endpointslices" },
      object: { endpoints: [{ addresses }] },
    });
  const service = (clusterIPs: unknown[], namespace = "omantel") => ({
    metadata: { namespace },
    spec: { clusterIPs },
  });

  it.each([
    ["of a Sovereign's Pod", "10.244.7.7", ["service-address"]],
    ["of a Sovereign's Pod in IPv6", "2001:DB8:0::7", ["service-address"]],
    ["of a Sovereign's Service", "10.96.0.7", ["service-address"]],
    ["of a Service of an ordinary namespace", "10.96.0.8", []],
    ["of a Pod of an ordinary namespace", "10.244.7.8", []],
    ["that is free", "198.51.100.7", []],
  ])("are read when a slice adds one %s", async (_, address, rules) => {
    const asked: string[] = [];
    const { rulesOf } = reviewer({
      namespaces: NAMESPACES,
      services: async () => [service(["10.96.0.7", 7]), service(["10.96.0.8"], "bazaar")],
      podsAt: async (text) => {
        asked.push(text);
        const namespace = { "10.244.7.7": "omantel", "2001:db8::7": "omantel", "10.244.7.8": "bazaar" }[text];
        return namespace === undefined ? [] : [{ metadata: { namespace } }, { metadata: {} }];
      },
    });
    expect(await rulesOf(slice(address))).toEqual(rules);
    expect(asked).toEqual([address.includes(":") ? "2001:db8::7" : address]);
  });

  it("are not read for names, for texts that could change the selector, and for too many", async () => {
    const { rulesOf } = reviewer({ namespaces: NAMESPACES, services: async () => [] });
    expect(await rulesOf(slice("db.payments.example", "10.0.0.1,status.phase=Running"))).toEqual([]);
    const many = Array.from({ length: 101 }, (_, index) => `10.0.1.${index}`);
    expect(await rulesOf(slice(...many))).toEqual(["service-address"]);
    expect(await rulesOf(slice())).toEqual([]);
  });

  it("are not read when a listed controller writes them, which no rule judges", async () => {
    const { rulesOf } = reviewer({ namespaces: NAMESPACES });
    const user = { username: "system:serviceaccount:cnpg-system:manager", groups: [] };
    expect(await rulesOf({ ...slice("10.244.7.7"), user })).toEqual([]);
  });
});
