import { describe, expect, it } from "vitest";
import { DEFAULT_PLATFORM } from "../../../src/admission/rules/input.ts";
import { INSTALL_SOURCES } from "../../../src/admission/rules/install-source.ts";
import { WORKLOADS } from "../../../src/admission/rules/workload-image.ts";
import {
  desiredWebhookConfiguration,
  publishedBundles,
} from "../../../src/admission/webhook-configuration.ts";

interface Webhook {
  name: string;
  clientConfig: object;
  rules: {
    apiGroups: string[];
    apiVersions: string[];
    resources: string[];
    operations: string[];
    scope: string;
  }[];
  namespaceSelector?: object;
  matchConditions: { name: string; expression: string }[];
  [member: string]: unknown;
}

const CA = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const configuration = (url?: string, platform = DEFAULT_PLATFORM) =>
  desiredWebhookConfiguration({ caBundle: CA, url }, platform) as ReturnType<
    typeof desiredWebhookConfiguration
  > & {
    webhooks: Webhook[];
  };
const webhook = (name: string): Webhook => {
  const found = configuration().webhooks.find((it) => it.name === `${name}.catalyst.openova.io`);
  if (found === undefined) throw new Error(`no webhook ${name}`);
  return found;
};
/** Rules as `group/resource operations`. */
const matched = (name: string) =>
  webhook(name).rules.flatMap(({ apiGroups, resources, operations }) =>
    resources.map((resource) => `${apiGroups.join()}/${resource} ${operations.join()}`),
  );
const WRITES = "CREATE,UPDATE,DELETE";

describe("the webhook configuration", () => {
  it("has four webhooks, which fail closed and are asked about every API version", () => {
    const { webhooks, metadata, kind } = configuration();
    expect(kind).toBe("ValidatingWebhookConfiguration");
    expect(metadata).toEqual({
      name: "catalyst-operator",
      labels: { "catalyst.openova.io/managed-by": "operator" },
    });
    expect(webhooks.map(({ name }) => name)).toEqual([
      "platform.catalyst.openova.io",
      "workload.catalyst.openova.io",
      "namespace.catalyst.openova.io",
      "organization.catalyst.openova.io",
    ]);
    for (const each of webhooks) {
      expect(each).toMatchObject({
        failurePolicy: "Fail",
        matchPolicy: "Equivalent",
        sideEffects: "None",
        timeoutSeconds: 10,
        admissionReviewVersions: ["v1"],
      });
      for (const rule of each.rules) expect(rule).toMatchObject({ apiVersions: ["*"], scope: "*" });
    }
  });

  it("is asked about the platform's kinds, access and every install source", () => {
    expect(matched("platform")).toEqual([
      `catalyst.openova.io/* ${WRITES}`,
      `catalyst.openova.io/*/status ${WRITES}`,
      `apiextensions.k8s.io/customresourcedefinitions ${WRITES}`,
      `apiextensions.k8s.io/customresourcedefinitions/status ${WRITES}`,
      `apiregistration.k8s.io/apiservices ${WRITES}`,
      `apiregistration.k8s.io/apiservices/status ${WRITES}`,
      `/namespaces ${WRITES}`,
      `/namespaces/finalize ${WRITES}`,
      `/namespaces/status ${WRITES}`,
      "/serviceaccounts/token CREATE",
      `rbac.authorization.k8s.io/roles ${WRITES}`,
      `rbac.authorization.k8s.io/rolebindings ${WRITES}`,
      `rbac.authorization.k8s.io/clusterroles ${WRITES}`,
      `rbac.authorization.k8s.io/clusterrolebindings ${WRITES}`,
      ...Object.entries(INSTALL_SOURCES).flatMap(([group, resources]) =>
        resources.map((resource) => `${group}/${resource} ${WRITES}`),
      ),
    ]);
    expect(webhook("platform").namespaceSelector).toBeUndefined();
  });

  it("is asked about every workload kind of the rules, outside the cluster's own namespaces", () => {
    expect(matched("workload")).toEqual(
      Object.entries(WORKLOADS).flatMap(([group, resources]) =>
        resources.map((resource) => `${group}/${resource} CREATE,UPDATE`),
      ),
    );
    expect(matched("workload")).toContain("/pods/ephemeralcontainers CREATE,UPDATE");
    expect(webhook("workload").namespaceSelector).toEqual({
      matchExpressions: [
        {
          key: "kubernetes.io/metadata.name",
          operator: "NotIn",
          values: ["kube-system", "kube-public", "kube-node-lease"],
        },
      ],
    });
  });

  it("is asked about everything, connections included, in guarded and labelled namespaces", () => {
    for (const name of ["namespace", "organization"])
      expect(matched(name)).toEqual(["*/*/* CREATE,UPDATE,DELETE,CONNECT"]);
    expect(webhook("namespace").namespaceSelector).toEqual({
      matchExpressions: [
        {
          key: "kubernetes.io/metadata.name",
          operator: "In",
          values: ["catalyst-system", "catalog", "catalog-sovereign"],
        },
      ],
    });
    expect(webhook("organization").namespaceSelector).toEqual({
      matchExpressions: [{ key: "catalyst.openova.io/sovereign", operator: "Exists" }],
    });
  });

  it("is not asked about the platform and the control plane", () => {
    const platform = { groups: ["ops"], serviceAccountNamespaces: ["tools", "flux"] };
    for (const { matchConditions } of configuration(undefined, platform).webhooks)
      expect(matchConditions).toEqual([
        {
          name: "not-platform-group",
          expression: '!request.userInfo.groups.exists(group, group in ["ops"])',
        },
        {
          name: "not-platform-service-account",
          expression:
            '!["tools", "flux"].exists(own, request.userInfo.username.startsWith("system:serviceaccount:" + own + ":"))',
        },
        {
          name: "not-control-plane",
          expression:
            '!("system:nodes" in request.userInfo.groups) && !request.userInfo.username.startsWith("system:kube-")',
        },
      ]);
  });

  it("is reached through the Service, or through a URL where one is set", () => {
    const caBundle = Buffer.from(CA).toString("base64");
    for (const { clientConfig } of configuration().webhooks)
      expect(clientConfig).toEqual({
        caBundle,
        service: {
          name: "catalyst-operator-webhook",
          namespace: "catalyst-system",
          path: "/admit",
          port: 443,
        },
      });
    for (const { clientConfig } of configuration("https://127.0.0.1:9443").webhooks)
      expect(clientConfig).toEqual({ caBundle, url: "https://127.0.0.1:9443/admit" });
  });
});

describe("publishedBundles", () => {
  it("reads the CA bundle of each webhook", () => {
    expect(publishedBundles(configuration())).toEqual([CA, CA, CA, CA]);
  });

  it("reads an empty bundle where a webhook has none, and nothing where there is no webhook", () => {
    const { webhooks: _, ...rest } = configuration();
    expect(publishedBundles({ ...rest, webhooks: [{}, { clientConfig: {} }] } as never)).toEqual(["", ""]);
    expect(publishedBundles(rest)).toEqual([]);
    expect(publishedBundles(undefined)).toEqual([]);
  });
});
