import { setTimeout } from "node:timers/promises";
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
  const service = (clusterIPs: unknown[], namespace = "omantel", name = "app") => ({
    metadata: { namespace, name },
    spec: { clusterIPs },
  });
  /** The Service of the API server, whose address has the cluster's first family. */
  const first = (clusterIP: string) => service([clusterIP], "default", "kubernetes");

  it.each([
    ["of a Sovereign's Pod", "10.244.7.7", ["service-address"]],
    ["of a Sovereign's Pod in IPv6", "2001:DB8:0::7", ["service-address"]],
    ["of a Sovereign's Service", "10.96.0.7", ["service-address"]],
    ["of a Service of an ordinary namespace", "10.96.0.8", []],
    ["of a Pod of an ordinary namespace", "10.244.7.8", []],
    ["of a Sovereign's Pod, with zeros before its numbers", "010.244.007.007", ["service-address"]],
    ["of a Sovereign's Pod, as an address of IPv6", "::ffff:10.244.7.7", ["service-address"]],
    ["that is free", "198.51.100.7", []],
  ])("are read when a slice adds one %s", async (_, address, rules) => {
    const asked: string[] = [];
    const { rulesOf } = reviewer({
      namespaces: NAMESPACES,
      services: async () => [
        service(["10.96.0.7", 7]),
        service(["10.96.0.8"], "bazaar"),
        first(address === "2001:DB8:0::7" ? "2001:db8::1" : "10.96.0.1"),
      ],
      podsAt: async (text) => {
        asked.push(text);
        const namespace = { "10.244.7.7": "omantel", "2001:db8::7": "omantel", "10.244.7.8": "bazaar" }[text];
        return namespace === undefined ? [] : [{ metadata: { namespace } }, { metadata: {} }];
      },
    });
    expect(await rulesOf(slice(address))).toEqual(rules);
    const normal: Record<string, string> = {
      "2001:DB8:0::7": "2001:db8::7",
      "010.244.007.007": "10.244.7.7",
      "::ffff:10.244.7.7": "10.244.7.7",
    };
    expect(asked).toEqual([normal[address] ?? address]);
  });

  it.each([
    ["of a Sovereign's Pod", "10.96.0.1", "2001:DB8:0::7", ["service-address"]],
    [
      "of a Sovereign's Pod in a cluster whose first family is IPv6",
      "2001:db8::1",
      "10.244.7.7",
      ["service-address"],
    ],
    ["of a Pod of an ordinary namespace", "10.96.0.1", "2001:db8::8", []],
    ["that is free", "10.96.0.1", "2001:db8::9", []],
    [
      "of a Sovereign's Pod where no Service tells the first family",
      undefined,
      "2001:db8::7",
      ["service-address"],
    ],
  ])("are read of all Pods when a slice adds a second one %s", async (_, clusterIP, address, rules) => {
    const { rulesOf } = reviewer({
      namespaces: NAMESPACES,
      services: async () => (clusterIP === undefined ? [] : [first(clusterIP)]),
      podsAt: async () => [],
      secondAddresses: async () => [
        { address: "2001:db8::7", namespace: "omantel" },
        { address: "10.244.7.7", namespace: "omantel" },
        { address: "2001:db8::8", namespace: "bazaar" },
      ],
    });
    expect(await rulesOf(slice(address))).toEqual(rules);
  });

  it("are not read for names, for texts that could change the selector, and for too many", async () => {
    const { rulesOf } = reviewer({ namespaces: NAMESPACES, services: async () => [] });
    expect(await rulesOf(slice("db.payments.example", "10.0.0.1,status.phase=Running"))).toEqual([]);
    const many = Array.from({ length: 101 }, (_, index) => `10.0.1.${index}`);
    expect(await rulesOf(slice(...many))).toEqual(["service-address"]);
    expect(await rulesOf(slice())).toEqual([]);
  });

  it("are read of 100 Pods within the time of a review, and not all at once, from a slow API server", async () => {
    let open = 0;
    let most = 0;
    const { rulesOf } = reviewer({
      namespaces: NAMESPACES,
      services: async () => [],
      podsAt: async (text) => {
        open += 1;
        most = Math.max(most, open);
        await setTimeout(100);
        open -= 1;
        return text === "10.0.1.99" ? [{ metadata: { namespace: "omantel" } }] : [];
      },
    });
    const startedAt = performance.now();
    const addresses = Array.from({ length: 100 }, (_, index) => `10.0.1.${index}`);
    expect(await rulesOf(slice(...addresses))).toEqual(["service-address"]);
    // The deadline of a review is 8 seconds. One after another, the reads take 10.
    expect(performance.now() - startedAt).toBeLessThan(7_500);
    expect(most).toBe(20);
  });

  it("are read for another review while 21 reviews read 100 each", async () => {
    const { rulesOf } = reviewer({
      namespaces: NAMESPACES,
      services: async () => [],
      podsAt: async () => {
        await setTimeout(2);
        return [];
      },
    });
    const addresses = (review: number) =>
      Array.from({ length: 100 }, (_, index) => `10.0.${review}.${index}`);
    const many = Array.from({ length: 21 }, (_, review) => rulesOf(slice(...addresses(review))));
    expect(await rulesOf(slice("10.1.0.1"))).toEqual([]);
    expect((await Promise.all(many)).flat()).toEqual([]);
  });

  it("are read no longer after the deadline of the review", async () => {
    const asked: string[] = [];
    const answer = Promise.withResolvers<void>();
    const { review } = reviewer({
      namespaces: NAMESPACES,
      services: async () => [],
      podsAt: async (text) => {
        asked.push(text);
        await answer.promise;
        return [];
      },
    });
    const deadline = new AbortController();
    const addresses = Array.from({ length: 100 }, (_, index) => `10.0.1.${index}`);
    const late = expect(review(slice(...addresses), () => deadline.signal)).rejects.toThrow("too late");
    await setTimeout(20);
    deadline.abort(new Error("too late"));
    answer.resolve();
    await late;
    await setTimeout(20);
    expect(asked).toHaveLength(20);
  });

  it("are not read when a listed controller writes them, which no rule judges", async () => {
    const { rulesOf } = reviewer({ namespaces: NAMESPACES });
    const user = { username: "system:serviceaccount:cnpg-system:manager", groups: [] };
    expect(await rulesOf({ ...slice("10.244.7.7"), user })).toEqual([]);
  });

  it.each(["shop", "acme-prod"])(
    "are read in %s when a controller writes what a template of others names",
    async (namespace) => {
      const { rulesOf } = reviewer({
        namespaces: {
          ...NAMESPACES,
          "acme-prod": { [`${GROUP}/organization`]: "acme", [`${GROUP}/environment`]: "prod" },
        },
        services: async () => [first("10.96.0.1")],
        podsAt: async () => [{ metadata: { namespace: "omantel" } }],
      });
      const user = { username: "system:serviceaccount:external-secrets:external-secrets", groups: [] };
      expect(await rulesOf({ ...slice("10.244.7.7"), namespace, user })).toEqual(["service-address"]);
    },
  );
});
