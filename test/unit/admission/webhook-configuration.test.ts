import { describe, expect, it } from "vitest";
import { ADDRESS_ANNOTATION_SUFFIXES } from "../../../src/admission/rules/balancer-address.ts";
import { HOST_ANNOTATION_SUFFIXES } from "../../../src/admission/rules/host-annotation.ts";
import { HOST_GROUPS } from "../../../src/admission/rules/host-claim.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { selectionOf } from "../../../src/admission/rules/place.ts";
import { NETWORK_ANNOTATIONS, REPORTED_ANNOTATIONS } from "../../../src/admission/rules/pod-network.ts";
import { WORKLOADS } from "../../../src/admission/rules/workload-image.ts";
import { desiredWebhookConfiguration } from "../../../src/admission/webhook-configuration.ts";
import {
  CA,
  conditions,
  configuration,
  EVERYTHING,
  label,
  matched,
  NAMES,
  ORDINARY,
  PATHS,
  type Webhook,
  webhook,
} from "../../support/builder/webhook-configuration.ts";

describe("the webhook configuration", () => {
  it("fails closed, and selects every API version", () => {
    const { webhooks, metadata, kind } = configuration();
    expect(kind).toBe("ValidatingWebhookConfiguration");
    expect(metadata).toEqual({
      name: "catalyst-operator",
      labels: { "catalyst.openova.io/managed-by": "operator" },
      annotations: { "admissions.enforcer/disabled": "true" },
    });
    expect(webhooks.map(({ name }) => name.replace(".catalyst.openova.io", ""))).toEqual([
      "cluster",
      "listed-namespace",
      "organization-namespace",
      "sovereign-namespace",
      "environment-namespace",
      "managed-by-namespace",
      "ordinary-namespace",
      "installer",
      "owner",
      "secret",
      "service",
      "volume-claim",
      "endpoint",
      "annotation",
      "device",
      "cluster-service",
    ]);
    for (const each of webhooks) {
      expect(each).toMatchObject({
        failurePolicy: "Fail",
        matchPolicy: "Equivalent",
        sideEffects: "None",
        timeoutSeconds: 10,
        admissionReviewVersions: ["v1"],
      });
      for (const rule of each.rules) expect(rule).toMatchObject({ apiVersions: ["*"] });
    }
  });

  it("fails open in Audit, which denies nothing, and differs in nothing else", () => {
    const audit = desiredWebhookConfiguration({ caBundle: CA, url: undefined }, identityLists(), {
      enforcement: "Audit",
    });
    expect(JSON.stringify(audit)).toBe(
      JSON.stringify(configuration()).replaceAll('"failurePolicy":"Fail"', '"failurePolicy":"Ignore"'),
    );
  });

  it("selects everything in cluster scope, except reviews", () => {
    expect(matched("cluster")).toEqual(EVERYTHING);
    expect(webhook("cluster").rules).toMatchObject([{ scope: "Cluster" }]);
    expect(webhook("cluster").namespaceSelector).toBeUndefined();
    expect(conditions("cluster")["not-a-review"]).toBe(
      '!(request.resource.group in ["authentication.k8s.io", "authorization.k8s.io"])',
    );
  });

  it("selects everything in guarded namespaces, connections included", () => {
    for (const name of ["listed", "organization", "sovereign", "environment", "managed-by"])
      expect(matched(`${name}-namespace`)).toEqual(EVERYTHING);
    expect(webhook("listed-namespace").namespaceSelector).toEqual({
      matchExpressions: [{ ...NAMES, operator: "In" }],
    });
    expect(webhook("environment-namespace").namespaceSelector).toEqual({
      matchExpressions: [
        { ...NAMES, operator: "NotIn" },
        label("environment", "Exists"),
        label("organization", "DoesNotExist"),
        label("sovereign", "DoesNotExist"),
      ],
    });
  });

  it("matches each set of labels by one webhook", () => {
    const names = ["organization", "sovereign", "environment", "managed-by"];
    const selects = (each: Webhook, present: string[]) =>
      (each.namespaceSelector as typeof ORDINARY).matchExpressions.every(({ key, operator }) => {
        // The namespace of this test is in no list.
        if (key === NAMES.key) return operator === "NotIn";
        return (operator === "Exists") === present.includes(key.replace("catalyst.openova.io/", ""));
      });
    for (let bits = 0; bits < 2 ** names.length; bits += 1) {
      const present = names.filter((_, index) => bits & (1 << index));
      const found = configuration().webhooks.filter(
        (each) => each.namespaceSelector !== undefined && selects(each, present),
      );
      // Nine webhooks share the ordinary namespaces. They select by kind and by content.
      expect(found).toHaveLength(present.length === 0 ? 9 : 1);
    }
  });

  it("selects workloads in ordinary namespaces, and requests with effects beyond the namespace", () => {
    expect(matched("ordinary-namespace")).toEqual([
      ...Object.entries(WORKLOADS).flatMap(([group, resources]) =>
        resources.map((resource) => `${group}/${resource} CREATE,UPDATE`),
      ),
      "apps/controllerrevisions CREATE,UPDATE,DELETE",
      "/serviceaccounts/token CREATE",
      "certificates.k8s.io/podcertificaterequests CREATE",
      "rbac.authorization.k8s.io/roles CREATE,UPDATE",
      ...Object.entries(HOST_GROUPS).flatMap(([group, resources]) =>
        resources.map((resource) => `${group}/${resource} CREATE,UPDATE`),
      ),
      "networking.istio.io/workloadentries CREATE,UPDATE",
      "security.istio.io/requestauthentications CREATE,UPDATE",
      "gloo.solo.io/upstreams CREATE,UPDATE",
      "gloo.solo.io/upstreamgroups CREATE,UPDATE",
      ...["backends", "securitypolicies", "envoypatchpolicies", "envoyextensionpolicies"].map(
        (it) => `gateway.envoyproxy.io/${it} CREATE,UPDATE`,
      ),
      ...[
        ...["servicemonitors", "podmonitors", "probes", "scrapeconfigs", "alertmanagerconfigs"],
        ...["prometheuses", "prometheusagents", "alertmanagers", "thanosrulers"],
      ].map((it) => `monitoring.coreos.com/${it} CREATE,UPDATE`),
      "elbv2.k8s.aws/targetgroupbindings CREATE,UPDATE",
      "external-secrets.io/secretstores CREATE,UPDATE",
      "generators.external-secrets.io/webhooks CREATE,UPDATE",
      "cert-manager.io/issuers CREATE,UPDATE",
      "cilium.io/ciliumlocalredirectpolicies CREATE,UPDATE",
      "cilium.io/ciliumenvoyconfigs CREATE,UPDATE",
      "cilium.io/ciliumnetworkpolicies CREATE,UPDATE",
      "cilium.io/ciliumendpoints CREATE,UPDATE",
      "cilium.io/ciliumendpoints/status CREATE,UPDATE",
      "catalyst.openova.io/*/* CREATE,UPDATE,DELETE",
    ]);
    const others = ["installer", "owner", "secret", "service", "volume-claim", "endpoint", "annotation"];
    for (const name of ["ordinary-namespace", ...others, "device"])
      expect(webhook(name).namespaceSelector).toEqual(ORDINARY);
  });

  it("selects installers and some Secrets in ordinary namespaces, by their content", () => {
    expect(conditions("installer")["is-an-installer"]).toContain('"argoproj.io"');
    expect(conditions("installer")["is-an-installer"]).toContain(
      ".exists(suffix, request.resource.group.endsWith(suffix))",
    );
    expect(conditions("installer")["is-an-installer"]).toContain('"policies.kyverno.io"');
    expect(matched("secret")).toEqual(["/secrets CREATE,UPDATE"]);
    expect(conditions("secret")["is-a-judged-secret"]?.split(" || ")).toEqual([
      '(has(object.type) && object.type in ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"])',
      '(has(object.type) && object.type == "helm.sh/release.v1")',
      '(has(object.metadata.name) && object.metadata.name.startsWith("sh.helm.release.v1."))',
      '(has(object.metadata.labels) && "owner" in object.metadata.labels && object.metadata.labels["owner"] == "helm")',
    ]);
  });

  it("selects Services only when they claim an address or a host", () => {
    expect(matched("service")).toEqual(["/services CREATE,UPDATE", "/services/status CREATE,UPDATE"]);
    const condition = conditions("service")["claims-an-address-or-a-host"];
    const members = ["spec.?externalIPs", "spec.?externalName", "spec.?loadBalancerIP"];
    for (const member of [...members, "status.?loadBalancer.?ingress"])
      expect(condition).toContain(`object.?${member}.orValue(`);
    for (const suffix of [...HOST_ANNOTATION_SUFFIXES, ...ADDRESS_ANNOTATION_SUFFIXES])
      expect(condition).toContain(JSON.stringify(suffix));
  });

  it("selects claims only when they name a volume or a source", () => {
    expect(matched("volume-claim")).toEqual(["/persistentvolumeclaims CREATE,UPDATE"]);
    const condition = conditions("volume-claim")["names-a-volume-or-a-source"];
    for (const member of ["spec.?volumeName", "spec.?dataSourceRef.?namespace"])
      expect(condition).toContain(`object.?${member}.orValue("")`);
  });

  it("selects endpoints only when they get addresses", () => {
    expect(matched("endpoint")).toEqual([
      "/endpoints CREATE,UPDATE",
      "/pods/status UPDATE",
      "discovery.k8s.io/endpointslices CREATE,UPDATE",
    ]);
    const condition = conditions("endpoint")["adds-endpoints"];
    for (const member of ["subsets", "endpoints", "status.?podIPs"])
      expect(condition).toContain(`object.?${member}.orValue([])`);
    expect(condition).toContain('object.?status.?podIP.orValue("")');
  });

  it("selects bindings and writes of a status only when they annotate a Pod or an Ingress", () => {
    expect(matched("annotation")).toEqual([
      "/bindings CREATE",
      "/pods/binding CREATE",
      "/pods/status UPDATE",
      "networking.k8s.io/ingresses/status UPDATE",
    ]);
    const condition = conditions("annotation")["annotates-an-ingress-or-a-pod"];
    for (const name of [...NETWORK_ANNOTATIONS, ...REPORTED_ANNOTATIONS, ...HOST_ANNOTATION_SUFFIXES])
      expect(condition).toContain(JSON.stringify(name));
    expect(condition).toContain("(oldObject == null && name in");
  });

  it("selects claims of devices only when they get a device", () => {
    expect(matched("device")).toEqual(["resource.k8s.io/resourceclaims/status UPDATE"]);
    expect(conditions("device")["allocates-a-device"]).toContain("object.?status.?allocation.orValue({})");
  });

  it("selects objects of all kinds that block the deletion of the platform's", () => {
    expect(matched("owner")).toEqual(["*/*/* CREATE,UPDATE"]);
    const condition = conditions("owner")["holds-an-owner"];
    for (const part of ["blockOwnerDeletion", 'startsWith("catalyst.openova.io/")', '== "Namespace"'])
      expect(condition).toContain(part);
  });

  it("selects the Service of the API server and its addresses in namespace default", () => {
    expect(matched("cluster-service")).toEqual([
      ...["services", "services/status", "endpoints"].map((it) => `/${it} CREATE,UPDATE,DELETE`),
      "discovery.k8s.io/endpointslices CREATE,UPDATE,DELETE",
    ]);
    expect(webhook("cluster-service").namespaceSelector).toEqual({
      matchExpressions: [
        { key: NAMES.key, operator: "In", values: ["default"] },
        ...ORDINARY.matchExpressions,
      ],
    });
    expect(conditions("cluster-service")["is-the-cluster-service"]).toContain(
      'oldObject.metadata.labels["kubernetes.io/service-name"] == "kubernetes"',
    );
  });

  it("leaves out requests of the platform and the control plane", () => {
    const lists = identityLists({
      ...{ platformGroups: ["ops"], platformNamespaces: ["tools"], controlPlanePrefixes: ["eks:"] },
    });
    for (const { matchConditions } of configuration(undefined, lists).webhooks)
      expect(matchConditions.slice(0, 3)).toEqual([
        {
          name: "not-platform-group",
          expression:
            '!request.userInfo.groups.exists(group, group in ["system:masters", "kubeadm:cluster-admins", "catalyst:platform", "ops"])',
        },
        {
          name: "not-platform-service-account",
          expression:
            '!["kube-system", "catalyst-system", "flux-system", "tools"].exists(own, request.userInfo.username.startsWith("system:serviceaccount:" + own + ":"))',
        },
        {
          name: "not-control-plane",
          expression:
            '!("system:nodes" in request.userInfo.groups) && !["system:kube-", "eks:"].exists(prefix, request.userInfo.username.startsWith(prefix))',
        },
      ]);
  });

  it("names the Service, or a URL where one is set", () => {
    const caBundle = Buffer.from(CA).toString("base64");
    const service = { name: "catalyst-operator-webhook", namespace: "catalyst-system", port: 443 };
    for (const [index, path] of PATHS.entries()) {
      expect(configuration().webhooks[index]?.clientConfig).toEqual({
        caBundle,
        service: { ...service, path },
      });
      expect(configuration("https://127.0.0.1:9443").webhooks[index]?.clientConfig).toEqual({
        caBundle,
        url: `https://127.0.0.1:9443${path}`,
      });
    }
  });

  it("names in the path the namespaces that each webhook selects", () => {
    const lists = identityLists();
    const labels = ["organization", "sovereign", "environment", "managed-by"];
    for (const { clientConfig, namespaceSelector } of configuration().webhooks) {
      const { path } = (clientConfig as { service: { path: string } }).service;
      const { matchExpressions = [] } = (namespaceSelector ?? {}) as Partial<typeof ORDINARY>;
      const present = labels.filter((name) =>
        matchExpressions.some((it) => it.key === label(name, "Exists").key && it.operator === "Exists"),
      );
      const named = matchExpressions.find(({ operator }) => (operator as string) === "In") as
        | { values?: readonly string[] }
        | undefined;
      const name = named?.values?.[0] ?? "any";
      const selection = selectionOf(
        name,
        Object.fromEntries(present.map((it) => [`catalyst.openova.io/${it}`, "x"])),
        lists,
      );
      expect(path).toBe(namespaceSelector === undefined ? "/admit" : `/admit/${selection}`);
    }
  });
});
