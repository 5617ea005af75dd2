import { describe, expect, it } from "vitest";
import { newEndpoints } from "../../../../src/admission/rules/endpoint-address.ts";
import { ingressAnnotationRule } from "../../../../src/admission/rules/ingress-annotation.ts";
import { creation, facts, reviewed } from "../../../support/builder/admission-request.ts";

const known = facts({ isForeignNamespace: (name) => name === "globex-prod" });
const pathsOf = (resource: string, spec: object) =>
  ingressAnnotationRule(
    creation({ group: "monitoring.coreos.com", resource, object: reviewed({ spec }) }),
    known,
  ).map(({ path }) => path);

describe("ingressAnnotationRule, for what Alertmanager calls", () => {
  const HOST = "http://app.globex-prod.svc:8085/x";
  const pathsOfReceiver = (member: string, config: unknown) =>
    pathsOf("alertmanagerconfigs", { receivers: [{ name: "a" }, { name: "b", [member]: [config] }] }).map(
      (path) => path.replace(`spec.receivers[1].${member}[0].`, ""),
    );

  it.each<[string, object, string]>([
    ["webhookConfigs", { url: HOST }, "url"],
    ["pagerdutyConfigs", { url: HOST }, "url"],
    ["opsgenieConfigs", { apiURL: HOST }, "apiURL"],
    ["victoropsConfigs", { apiUrl: HOST }, "apiUrl"],
    ["emailConfigs", { smarthost: "app.globex-prod:25" }, "smarthost"],
    ["productOfTomorrowConfigs", { apiURL: HOST }, "apiURL"],
    ["slackConfigs", { httpConfig: { proxyURL: HOST } }, "httpConfig.proxyURL"],
    ["slackConfigs", { httpConfig: { proxyUrl: HOST } }, "httpConfig.proxyUrl"],
    ["slackConfigs", { httpConfig: { oauth2: { tokenUrl: HOST } } }, "httpConfig.oauth2.tokenUrl"],
    ["webhookConfigs", { httpConfig: { httpHeaders: { files: ["/a"] } } }, "httpConfig.httpHeaders.files[0]"],
    ["pushoverConfigs", { userKeyFile: "/a" }, "userKeyFile"],
    ["telegramConfigs", { botTokenFile: "/a" }, "botTokenFile"],
    ["webhookConfigs", { url: "http://{{ .a }}.svc" }, "url"],
    ["webhookConfigs", { url: "http://localhost:9093" }, "url"],
    ["webhookConfigs", { url: "http://169.254.169.254" }, "url"],
    ["webhookConfigs", { url: "http://[::ffff:127.0.0.1]" }, "url"],
    ["webhookConfigs", { url: "http://[FEBF::1]" }, "url"],
    ["webhookConfigs", { url: "http://[fd00:ec2::254]/latest" }, "url"],
  ])("refuses in %s %j", (member, config, path) => expect(pathsOfReceiver(member, config)).toEqual([path]));

  it.each<[string, unknown]>([
    [
      "webhookConfigs",
      { url: "https://hooks.example/a/{{ .GroupKey }}", urlSecret: { name: "a", key: "b" } },
    ],
    ["webhookConfigs", { url: "http://198.51.100.7:9000/" }],
    ["webhookConfigs", { url: "http://[fec0::1]" }],
    ["pagerdutyConfigs", { clientURL: HOST }],
    ["pushoverConfigs", { url: HOST, urlTitle: "Runbook" }],
    ["slackConfigs", { apiURL: { name: "a", key: "b" }, titleLink: HOST, actions: [{ url: HOST }] }],
    ["snsConfigs", { sigv4: { profile: "alerts" } }],
    ["emailConfigs", { smarthost: 25 }],
    ["webhookConfigs", null],
  ])("passes in %s %j", (member, config) => expect(pathsOfReceiver(member, config)).toEqual([]));

  it("says that an address is the controller itself, and asks for another host", () => {
    const config = { receivers: [{ webhookConfigs: [{ url: "http://localhost:9093" }] }] };
    expect(
      ingressAnnotationRule(
        creation({
          ...{ group: "monitoring.coreos.com", resource: "alertmanagerconfigs" },
          object: reviewed({ spec: config }),
        }),
        known,
      ).map(({ message }) => message),
    ).toEqual(["localhost is the controller itself or its machine; name a host elsewhere"]);
  });

  it("leaves members below the depth limit to rule object-depth", () => {
    let config: unknown = { url: HOST };
    for (let depth = 0; depth < 5_000; depth += 1) config = { config };
    expect(pathsOfReceiver("webhookConfigs", config)).toEqual([]);
  });
});

describe("ingressAnnotationRule, for a SecretStore", () => {
  const pathsOfProvider = (provider: object) =>
    ingressAnnotationRule(
      creation({
        ...{ group: "external-secrets.io", resource: "secretstores" },
        object: reviewed({ spec: { provider } }),
      }),
      known,
    ).map(({ path }) => path);

  it.each<[object, string[]]>([
    [{ webhook: { url: "http://10.0.0.1/x" } }, ["spec.provider.webhook.url"]],
    [{ vault: { server: "http://10.0.0.1" } }, []],
    [{ vault: { server: "http://app.globex-prod.svc" } }, ["spec.provider.vault.server"]],
    [{ gitlab: { url: "http://app.globex-prod" } }, ["spec.provider.gitlab.url"]],
    [{ delinea: { urlTemplate: "http://%s.svc:8085/" } }, ["spec.provider.delinea.urlTemplate"]],
    [{ delinea: { tenant: "shop", tld: "com" } }, []],
    [
      { nebiusmysterybox: { apiDomain: "app.globex-prod.svc" } },
      ["spec.provider.nebiusmysterybox.apiDomain"],
    ],
    [{ nebiusmysterybox: { apiDomain: "api.nebius.cloud:443" } }, []],
    [{ vault: { server: "http://[fe80::1%eth0]:8200" } }, ["spec.provider.vault.server"]],
    [{ vault: { server: "http://vault.example/a%20b" } }, []],
    // The domain of an account in Active Directory.
    [{ secretserver: { serverURL: "https://secrets.example", domain: "app.globex-prod" } }, []],
    [{ vault: { path: "app.globex-prod" }, aws: { role: "app.globex-prod.svc" } }, []],
  ])("judges where %j leads", (provider, paths) => expect(pathsOfProvider(provider)).toEqual(paths));
});

describe("newEndpoints, for what a controller calls", () => {
  it.each<[string, string, object, string, string]>([
    [
      "monitoring.coreos.com",
      "alertmanagerconfigs",
      { receivers: [{ webhookConfigs: [{ url: "http://10.244.7.7/x" }] }] },
      "spec.receivers[0].webhookConfigs[0].url",
      "10.244.7.7",
    ],
    [
      "monitoring.coreos.com",
      "probes",
      { targets: { staticConfig: { static: ["a.example", "https://[2001:DB8::7]/x"] } } },
      "spec.targets.staticConfig.static[1]",
      "[2001:db8::7]",
    ],
    [
      "cert-manager.io",
      "issuers",
      { vault: { server: "https://10.244.7.7:8200" } },
      "spec.vault.server",
      "10.244.7.7",
    ],
    [
      "external-secrets.io",
      "secretstores",
      { provider: { vault: { server: "10.244.7.7" } } },
      "spec.provider.vault.server",
      "10.244.7.7",
    ],
    [
      "external-secrets.io",
      "secretstores",
      { provider: { productOfTomorrow: { server: { apiUrl: "http://10.244.7.7" } } } },
      "spec.provider.productOfTomorrow.server.apiUrl",
      "10.244.7.7",
    ],
    [
      "monitoring.coreos.com",
      "probes",
      { prober: { url: "10.244.7.7:9115" } },
      "spec.prober.url",
      "10.244.7.7",
    ],
    [
      "cert-manager.io",
      "issuers",
      { acme: { solvers: [{ dns01: { rfc2136: { nameserver: "10.244.7.7:53" } } }] } },
      "spec.acme.solvers[0].dns01.rfc2136.nameserver",
      "10.244.7.7",
    ],
    [
      "cert-manager.io",
      "issuers",
      { acme: { solvers: [{ dns01: { akamai: { serviceConsumerDomain: "10.244.7.7" } } }] } },
      "spec.acme.solvers[0].dns01.akamai.serviceConsumerDomain",
      "10.244.7.7",
    ],
  ])("finds the addresses of %s %s", (group, resource, spec, path, address) =>
    expect(newEndpoints(creation({ group, resource, object: reviewed({ spec }) }))).toEqual([
      { path, address },
    ]),
  );

  it("finds no address in a kind whose controller calls no target", () => {
    const object = reviewed({ spec: { targetGroupARN: "10.0.0.1", vault: { server: "10.0.0.1" } } });
    for (const [group, resource] of [
      ["elbv2.k8s.aws", "targetgroupbindings"],
      ["cert-manager.io", "certificates"],
    ] as const)
      expect(newEndpoints(creation({ group, resource, object }))).toEqual([]);
  });
});
