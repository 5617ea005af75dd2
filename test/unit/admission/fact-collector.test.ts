import { memoryUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { AdmissionInput, NamespaceSelection } from "../../../src/admission/rules/request.ts";
import { creation, GROUP, request, verdict } from "../../support/builder/admission-request.ts";
import { IMAGE, NEXT_IMAGE, sovereign } from "../../support/builder/catalyst-object.ts";
import { granted, organization, reviewer } from "../../support/builder/reviewer.ts";

describe("the place of a request", () => {
  const owned = { [`${GROUP}/organization`]: "shop" };

  it.each<[string, AdmissionInput, string[]]>([
    ["comes from the cache", creation(), ["organization-namespace"]],
    [
      "is read from the API server when the cache does not have it",
      creation({ namespace: "fresh" }),
      ["organization-namespace"],
    ],
    [
      "is unknown when the API server does not have it either",
      creation({ namespace: "gone" }),
      ["unknown-namespace"],
    ],
    [
      "is cluster scope without a namespace",
      creation({ namespace: "", resource: "nodes" }),
      ["cluster-scope"],
    ],
    [
      "is by the labels before the change for the namespace itself",
      request({
        resource: "namespaces",
        name: "other",
        namespace: "other",
        oldObject: { metadata: { labels: owned } },
        object: { metadata: {} },
      }),
      ["namespace-guarded"],
    ],
    [
      "needs no labels for a new namespace",
      creation({ resource: "namespaces", name: "new", namespace: "new" }),
      [],
    ],
  ])("%s", async (_, input, rules) => {
    expect(await reviewer({ namespaces: { shop: owned }, live: { fresh: owned } }).rulesOf(input)).toEqual(
      rules,
    );
  });
});

describe("those who may vouch", () => {
  const repository = (username: string, namespace = "shop") =>
    creation({
      group: "source.toolkit.fluxcd.io",
      resource: "ocirepositories",
      namespace,
      user: { username, groups: [] },
      object: { spec: { url: "oci://registry.test/a", ref: { digest: `sha256:${"0".repeat(64)}` } } },
    });
  const cluster = {
    franchises: [granted()],
    organizations: [organization("acme")],
    sovereigns: [sovereign("omantel", { role: "Franchised", franchise: "omantel" })],
    namespaces: {
      shop: {},
      "acme-dev": { [`${GROUP}/organization`]: "acme", [`${GROUP}/environment`]: "dev" },
    },
  };

  it.each([
    ["the Franchisee's own Franchises", repository("omantel-admin"), ["omantel"]],
    [
      "the Franchise of the Organization's Sovereign for a member",
      repository("owner", "acme-dev"),
      ["omantel"],
    ],
    ["no Franchise for a tenant in an ordinary namespace", repository("owner"), []],
  ])("accepts signatures of %s", async (_, input, names) => {
    const { review, checked } = reviewer(cluster);
    expect(await review(input)).toEqual(verdict());
    expect(checked.map(([, acting]) => acting)).toEqual([names]);
  });
});

describe("hosts and accounts of others", () => {
  it("finds hosts and accounts of others in Sovereigns, Franchises and Organizations", async () => {
    const { spec, ...rest } = granted();
    const account = (name: string) => ({ kind: "ServiceAccount" as const, name, namespace: "shop" });
    const { rulesOf } = reviewer({
      franchises: [{ ...rest, spec: { ...spec, subjects: [account("seller")] } }],
      organizations: [
        { ...organization("acme"), spec: { ...organization("acme").spec, members: [account("robot")] } },
      ],
      sovereigns: [sovereign("omantel", { role: "SelfHosted" })],
    });
    const token = (name: string, username = "eve") =>
      creation({ resource: "serviceaccounts", subresource: "token", name, user: { username, groups: [] } });
    expect(await rulesOf(token("seller"))).toEqual(["service-account-identity"]);
    expect(await rulesOf(token("robot"))).toEqual(["service-account-identity"]);
    expect(await rulesOf(token("robot", "owner"))).toEqual([]);
    expect(await rulesOf(token("seller", "system:serviceaccount:shop:seller"))).toEqual([]);
    expect(await rulesOf(token("web"))).toEqual([]);
    const ingress = (host: string) =>
      creation({
        group: "networking.k8s.io",
        resource: "ingresses",
        object: { spec: { rules: [{ host }] } },
      });
    expect(await rulesOf(ingress(sovereign("omantel", { role: "SelfHosted" }).spec.fqdn))).toEqual([
      "sovereign-host",
    ]);
    expect(await rulesOf(ingress("shop.example"))).toEqual([]);
  });
});

describe("a namespace whose labels changed a moment ago", () => {
  const owned = { [`${GROUP}/organization`]: "acme" };
  const configMap = (selected?: NamespaceSelection) =>
    creation({
      ...{ resource: "configmaps", namespace: "shop", user: { username: "eve", groups: [] } },
      ...(selected === undefined ? {} : { selected }),
    });

  it.each<[string, object, object, NamespaceSelection | undefined, string[]]>([
    ["the cache has no label yet", {}, owned, "organization", ["organization-namespace"]],
    ["the API server and the cache agree", owned, {}, "organization", ["organization-namespace"]],
    ["only the cache has the label", owned, {}, "ordinary", []],
    ["only the API server has the label", {}, {}, "organization", []],
    ["the path does not tell", {}, owned, undefined, []],
  ])("judges a namespace by its present labels when %s", async (_, cached, live, selected, rules) => {
    const { rulesOf } = reviewer({ namespaces: { shop: { ...cached } }, live: { shop: { ...live } } });
    expect(await rulesOf(configMap(selected))).toEqual(rules);
  });

  it("treats a deleted namespace as unknown", async () => {
    const { rulesOf } = reviewer({ namespaces: { shop: owned } });
    expect(await rulesOf(configMap("ordinary"))).toEqual(["unknown-namespace"]);
  });
});

describe("the namespaces of others", () => {
  const labelled = (organization: string) => ({ [`${GROUP}/organization`]: organization });
  const { rulesOf } = reviewer({
    organizations: [
      organization("acme"),
      { ...organization("globex"), spec: { ...organization("globex").spec, owner: "basim" } },
    ],
    namespaces: {
      ...{ shop: {}, bazaar: {}, "org-acme": labelled("acme"), "org-globex": labelled("globex") },
      ...{ omantel: { [`${GROUP}/sovereign`]: "omantel" } },
    },
  });
  it.each([
    ["the same namespace", "shop", []],
    ["an ordinary namespace", "bazaar", []],
    ["a namespace that does not exist", "nowhere", []],
    ["the requester's Organization", "org-acme", []],
    ["another Organization", "org-globex", ["service-address"]],
    ["a Sovereign", "omantel", ["service-address"]],
    ["the platform", "kube-system", ["service-address"]],
    ["a controller", "cert-manager", ["service-address"]],
    ["a reserved name", "sovereign-next", ["service-address"]],
    ["an environment to come", "globex-prod", ["service-address"]],
  ])("finds the namespaces of others when a Service names %s", async (_, name, rules) => {
    const input = creation({
      resource: "services",
      user: { username: "owner", groups: [] },
      object: { spec: { type: "ExternalName", externalName: `app.${name}.svc` } },
    });
    expect(await rulesOf(input)).toEqual(rules);
  });
});

describe("the addresses of load balancers", () => {
  const balanced = (namespace: string, ip: string) => ({
    metadata: { namespace },
    status: { loadBalancer: { ingress: [{ ip }] } },
  });
  const wanted = (loadBalancerIP: string) =>
    creation({ resource: "services", object: { spec: { loadBalancerIP } } });

  it.each([
    ["of a Sovereign", "203.0.113.1", ["service-address"]],
    ["of an ordinary namespace", "203.0.113.2", []],
    ["of the same namespace", "203.0.113.3", []],
    ["that no Service has", "203.0.113.4", []],
  ])("reads the addresses when a Service asks for one %s", async (_, address, rules) => {
    const services = [
      balanced("omantel", "203.0.113.1"),
      balanced("bazaar", "203.0.113.2"),
      balanced("shop", "203.0.113.3"),
    ];
    const { rulesOf } = reviewer({
      namespaces: { shop: {}, bazaar: {}, omantel: { [`${GROUP}/sovereign`]: "omantel" } },
      services: async () => services,
    });
    expect(await rulesOf(wanted(address))).toEqual(rules);
  });

  it("reads the addresses once for requests that wait at the same time", async () => {
    let reads = 0;
    const { rulesOf } = reviewer({
      namespaces: { shop: {} },
      services: async () => {
        reads += 1;
        return [];
      },
    });
    await Promise.all(["203.0.113.1", "203.0.113.2"].map((address) => rulesOf(wanted(address))));
    expect(reads).toBe(1);
  });
});

describe("the chart of a HelmRelease", () => {
  const [repository, digest] = [IMAGE.split("@")[0] ?? "", IMAGE.split("@")[1] ?? ""];
  const [, unsigned] = NEXT_IMAGE.split("@");
  const source = (ref: object) => ({ spec: { url: `oci://${repository}`, ref } });
  const release = (change: Partial<AdmissionInput> = {}) =>
    creation({
      ...{ group: "helm.toolkit.fluxcd.io", resource: "helmreleases" },
      object: { spec: { chartRef: { kind: "OCIRepository", name: "app" }, serviceAccountName: "robot" } },
      ...change,
    });
  const repositories = { "shop/app": source({ digest }) };

  it("checks the artifact of a HelmRelease's OCIRepository again", async () => {
    const { review, checked } = reviewer({ repositories });
    expect(await review(release())).toEqual(verdict());
    expect(checked.map(([artifact]) => artifact)).toEqual([
      { reference: `oci://${IMAGE}`, use: { kind: "chart" } },
    ]);
  });

  it("refuses a HelmRelease when the signature of its chart is no longer valid", async () => {
    const [name = ""] = NEXT_IMAGE.split("@");
    const { review } = reviewer({
      repositories: { "shop/app": { spec: { url: name, ref: { digest: unsigned } } } },
    });
    expect((await review(release())).violations).toEqual([
      { rule: "oci-repository-signature", path: "spec.chartRef.name", message: "next is not signed" },
    ]);
  });

  it("refuses a HelmRelease when its OCIRepository names no digest", async () => {
    const { review } = reviewer({ repositories: { "shop/app": source({ tag: "1.0.0" }) } });
    expect((await review(release())).violations).toEqual([
      {
        rule: "helm-release",
        path: "spec.chartRef.name",
        message:
          "the OCIRepository must name its artifact by digest; set its spec.ref.digest to sha256:<64 hex>",
      },
    ]);
  });

  it("allows a HelmRelease before its OCIRepository, which is judged when it is created", async () => {
    const { review, checked } = reviewer();
    expect(await review(release())).toEqual(verdict());
    expect(checked).toEqual([]);
  });

  it("does not read the chart for a deletion or for the platform", async () => {
    const { review, checked } = reviewer({ repositories });
    const platform = { username: "ops", groups: ["catalyst:platform"] };
    await review(release({ operation: "DELETE", object: undefined }));
    await review(release({ user: platform }));
    expect(checked).toEqual([]);
  });
});

describe("the memory of reviewed objects", () => {
  it("frees reviewed objects after a collection of young objects alone", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as (options: { type: "minor" }) => void;
    const { review } = reviewer({ namespaces: { shop: {} } });
    const objectWith = (index: number) => ({
      kind: "ConfigMap",
      data: { list: Array.from({ length: 1_000 }, (_, number) => number + index) },
    });
    collect({ type: "minor" });
    const before = memoryUsage().heapUsed;
    for (let index = 0; index < 1_000; index += 1) {
      await review(creation({ resource: "configmaps", namespace: "shop", object: objectWith(index) }));
      if (index % 100 === 0) collect({ type: "minor" });
    }
    collect({ type: "minor" });
    const grownMib = (memoryUsage().heapUsed - before) / 1024 / 1024;
    expect(grownMib).toBeLessThan(4);
  });
});
