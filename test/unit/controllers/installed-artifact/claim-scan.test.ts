import { describe, expect, it } from "vitest";
import { identityLists } from "../../../../src/admission/rules/identity.ts";
import { LABEL } from "../../../../src/api/label.ts";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import { ORGANIZATION } from "../../../../src/api/organization.ts";
import { SOVEREIGN } from "../../../../src/api/sovereign.ts";
import { createClaimScan } from "../../../../src/controllers/installed-artifact/claim-scan.ts";
import { KubeError } from "../../../../src/kube/error.ts";
import {
  ENDPOINT_SLICES,
  GATEWAY_KINDS,
  INGRESSES,
  NAMESPACES,
  PODS,
  resourceOf,
  SERVICES,
} from "../../../../src/kube/resource.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";

const environment = (organization: string) => ({
  [LABEL.organization]: organization,
  [LABEL.environment]: "prod",
});
const LABELS: Record<string, Record<string, string>> = {
  shop: {},
  default: {},
  "acme-prod": environment("acme"),
  "globex-prod": environment("globex"),
  "sovereign-omantel": { [LABEL.sovereign]: "omantel" },
};
const TAKEN = "10.244.7.7";
const taken = (at: string, address = TAKEN) =>
  `${at}: address ${address} is that of a Pod or a Service in a namespace that is not yours; remove it`;

const object = (kind: string, namespace: string, name: string, members: object) =>
  ({
    ...{ apiVersion: "v1", kind, metadata: { name, namespace, uid: name } },
    ...members,
  }) as KubernetesObject;
const ingress = (namespace: string, name: string, host: string) =>
  object("Ingress", namespace, name, { spec: { rules: [{ host }] } });
const service = (namespace: string, name: string, spec: object, status: object = {}) =>
  object("Service", namespace, name, { spec, status });
const slice = (namespace: string, name: string, ...addresses: unknown[]) =>
  object("EndpointSlice", namespace, name, {
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  });
const pod = (name: string, ip: string, spec: object = {}) =>
  object("Pod", "shop", name, { spec, status: { podIPs: [{ ip }, {}] } });

const BILLING = [
  service("sovereign-omantel", "billing", { clusterIPs: ["10.96.0.7"] }),
  slice("sovereign-omantel", "billing-1", TAKEN),
];

/** The findings in each namespace of a cluster with these objects, and the requests that found them. */
function setUp(
  objects: readonly KubernetesObject[],
  { restarts = false, refusals = {} as Record<string, number> } = {},
) {
  const requests: string[] = [];
  let nowMs = 0;
  const of = (kind: string, namespace?: string) =>
    objects.filter(
      (it) => it.kind === kind && (namespace ?? it.metadata.namespace) === it.metadata.namespace,
    );
  const scan = createClaimScan({
    client: {
      listPages: async ({ kind, plural }, _options, onPage) => {
        requests.push(plural);
        const status = refusals[plural];
        if (status !== undefined) throw new KubeError(`${plural} are refused`, { status, reason: "Refused" });
        if (restarts) onPage(of(kind) as never[], true);
        for (const [index, item] of of(kind).entries()) onPage([item] as never[], index === 0);
        return "1";
      },
      list: async ({ kind, plural }, options) => {
        requests.push(`${plural} of ${options?.namespace}`);
        return { items: of(kind, options?.namespace) as never[], resourceVersion: "1" };
      },
    },
    namespaces: fixedInformer(
      NAMESPACES,
      Object.entries(LABELS).map(([name, labels]) => ({
        ...{ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
      })),
    ),
    sovereigns: fixedInformer(resourceOf(SOVEREIGN), [sovereign("omantel")]),
    organizations: fixedInformer(resourceOf(ORGANIZATION)),
    lists: identityLists(),
    now: () => new Date(nowMs),
  });
  return {
    requests,
    wait: (ms: number) => {
      nowMs += ms;
    },
    find: async (namespace: string) =>
      (await scan(namespace)).map(({ object, rule, category, message }) => [
        `${object.kind} ${object.metadata.name}`,
        rule,
        category,
        message,
      ]),
  };
}

describe("the scan for hosts and addresses of others", () => {
  it("finds an Ingress with a Sovereign's host, and one with a snippet", async () => {
    const { find } = setUp([
      ingress("shop", "taken", "omantel.example"),
      ingress("shop", "own", "shop.example"),
      ingress("sovereign-omantel", "billing", "omantel.example"),
      object("HTTPRoute", "globex-prod", "route", { spec: { hostnames: ["omantel.example"] } }),
      {
        ...ingress("acme-prod", "snippet", "acme.example"),
        metadata: {
          ...{ name: "snippet", namespace: "acme-prod" },
          annotations: { "nginx.ingress.kubernetes.io/server-snippet": "return 200;" },
        },
      },
    ]);
    expect(await find("shop")).toEqual([
      [
        "Ingress taken",
        "sovereign-host",
        "claim",
        "spec.rules[0].host: host omantel.example is served by a Sovereign; choose another host name",
      ],
    ]);
    expect((await find("acme-prod")).map(([name, rule]) => [name, rule])).toEqual([
      ["Ingress snippet", "ingress-annotation"],
    ]);
    expect((await find("globex-prod")).map(([name, rule]) => [name, rule])).toEqual([
      ["HTTPRoute route", "sovereign-host"],
    ]);
    expect(await find("sovereign-omantel")).toEqual([]);
  });

  it("finds a Service that takes an address or leads to a Service of others, and none for what a controller assigned", async () => {
    const { find } = setUp([
      ...BILLING,
      service("sovereign-omantel", "edge", {}, { loadBalancer: { ingress: [{ ip: "203.0.113.7" }] } }),
      service("shop", "external", { externalIPs: ["10.0.0.1"] }),
      service("shop", "named", { type: "ExternalName", externalName: "billing.sovereign-omantel.svc" }),
      service("shop", "balanced", { loadBalancerIP: "203.0.113.7" }),
      service("shop", "free", { loadBalancerIP: "203.0.113.8" }),
      service("shop", "assigned", {}, { loadBalancer: { ingress: [{ ip: "203.0.113.9" }] } }),
      service("default", "kubernetes", { clusterIPs: ["10.96.0.1"], externalIPs: ["10.0.0.2"] }),
    ]);
    expect((await find("shop")).map(([name, rule]) => [name, rule])).toEqual([
      ["Service external", "service-address"],
      ["Service named", "service-address"],
      ["Service balanced", "service-address"],
    ]);
    expect(await find("default")).toEqual([]);
  });

  it("finds an EndpointSlice with an address of a Pod or a Service of others", async () => {
    const { find } = setUp([
      ...BILLING,
      slice("shop", "pod", "10.244.0.8", TAKEN),
      slice("shop", "service", "10.96.0.7"),
      slice("shop", "name", "billing.sovereign-omantel.svc.cluster.local"),
      slice("shop", "own", "10.244.0.8", "198.51.100.7", 7),
      slice("acme-prod", "pod", "10.244.9.9"),
      slice("globex-prod", "other", "10.244.9.9"),
    ]);
    expect(await find("shop")).toEqual([
      ["EndpointSlice pod", "service-address", "claim", taken("endpoints[1].addresses[0]")],
      ["EndpointSlice service", "service-address", "claim", taken("endpoints[0].addresses[0]", "10.96.0.7")],
      [
        "EndpointSlice name",
        "service-address",
        "claim",
        "endpoints[0].addresses[0]: billing.sovereign-omantel.svc.cluster.local is a Service in a namespace that is not yours; name another host",
      ],
    ]);
    expect((await find("acme-prod")).map(([name]) => name)).toEqual(["EndpointSlice pod"]);
  });

  it("has no limit for the addresses of one slice, because it looks up none", async () => {
    const free = Array.from({ length: 300 }, (_, index) => `10.1.0.${index}`);
    const { find } = setUp([...BILLING, slice("shop", "large", ...free, TAKEN)]);
    expect(await find("shop")).toEqual([
      ["EndpointSlice large", "service-address", "claim", taken("endpoints[300].addresses[0]")],
    ]);
  });

  it("finds nothing where a namespace's own Pod has the address of its node", async () => {
    const at = slice("shop", "exporter", TAKEN);
    const own = pod("exporter", TAKEN, { hostNetwork: true });
    const { find, requests } = setUp([...BILLING, at, slice("shop", "more", TAKEN), own]);
    expect(await find("shop")).toEqual([]);
    expect(requests.filter((it) => it === "pods of shop")).toHaveLength(1);
    expect((await setUp([...BILLING, at, pod("forged", TAKEN)]).find("shop")).map(([name]) => name)).toEqual([
      "EndpointSlice exporter",
    ]);
  });

  it("does not take a tenant's own Pods for those of a tenant who named them", async () => {
    const forged = slice("globex-prod", "forged", "10.244.0.8");
    const own = [slice("shop", "app", "10.244.0.8"), pod("app", "10.244.0.8")];
    expect(await setUp([forged, ...own]).find("shop")).toEqual([]);
  });

  it("reads each kind once for all namespaces, and again after five minutes", async () => {
    const { find, requests, wait } = setUp([ingress("shop", "taken", "omantel.example")]);
    await Promise.all(["shop", "acme-prod", "gone"].map(find));
    wait(299_999);
    expect(await find("shop")).toHaveLength(1);
    const kinds = [INGRESSES, ...GATEWAY_KINDS, SERVICES, ENDPOINT_SLICES].map(({ plural }) => plural);
    expect(requests.splice(0)).toEqual(kinds);
    wait(1);
    await find("shop");
    expect(requests).toEqual(kinds);
    expect(requests).not.toContain(PODS.plural);
  });

  it("skips a kind that the API server does not serve", async () => {
    const refusals = Object.fromEntries(GATEWAY_KINDS.map(({ plural }) => [plural, 404]));
    const { find } = setUp([ingress("shop", "taken", "omantel.example")], { refusals });
    expect(await find("shop")).toHaveLength(1);
  });

  it("fails when the API server refuses a list, and reads again", async () => {
    const refusals: Record<string, number> = { services: 503 };
    const { find } = setUp([ingress("shop", "taken", "omantel.example")], { refusals });
    await expect(find("shop")).rejects.toThrow("services are refused");
    delete refusals.services;
    expect(await find("shop")).toHaveLength(1);
  });

  it("finds each object once when the API server restarts a list", async () => {
    const { find } = setUp([ingress("shop", "taken", "omantel.example")], { restarts: true });
    expect(await find("shop")).toHaveLength(1);
  });
});
