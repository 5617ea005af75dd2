import { describe, expect, it } from "vitest";
import type { Place } from "../../../../src/admission/rules/place.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import type { RuleId } from "../../../../src/admission/rules/rule-id.ts";
import {
  CLUSTER,
  creation,
  deletion,
  facts,
  GROUP,
  placed,
  request,
  TENANT,
  violationsOf,
} from "../../../support/builder/admission-request.ts";

const label = (name: string) => `${GROUP}/${name}`;
const ORGANIZATION = { [label("organization")]: "acme", [label("sovereign")]: "omantel" };
const NOT_A_MEMBER =
  "namespace org-acme belongs to an Organization; only its members work there, so ask the platform team to add you to spec.members";

describe("the rule of each place", () => {
  it.each<[string, AdmissionInput, Place, RuleId, string, string]>([
    [
      "a Pod in kube-system",
      creation({ resource: "pods", namespace: "kube-system" }),
      placed("kube-system"),
      "platform-namespace",
      "pods/x",
      "namespace kube-system belongs to the platform; work in a namespace of your own, or ask the platform team",
    ],
    [
      "exec in flux-system",
      request({ operation: "CONNECT", resource: "pods", subresource: "exec", namespace: "flux-system" }),
      placed("flux-system"),
      "platform-namespace",
      "pods/x/exec",
      "namespace flux-system belongs to the platform; work in a namespace of your own, or ask the platform team",
    ],
    [
      "a RoleBinding in cert-manager's namespace",
      creation({ group: "rbac.authorization.k8s.io", resource: "rolebindings", namespace: "cert-manager" }),
      placed("cert-manager"),
      "controller-namespace",
      "rolebindings/x",
      "namespace cert-manager belongs to a cluster controller; work in a namespace of your own, or ask the platform team",
    ],
    [
      "a Secret in a Sovereign's namespace, field by field",
      request({
        resource: "secrets",
        namespace: "sovereign-omantel",
        oldObject: { data: { uri: "a" } },
        object: { data: { uri: "b" } },
      }),
      placed("sovereign-omantel", { [label("sovereign")]: "omantel" }),
      "sovereign-namespace",
      "data.uri",
      "the operator manages secrets x in namespace sovereign-omantel; change spec.branding, spec.tiers or spec.addons of the Sovereign instead",
    ],
    [
      "a port-forward into a tenant's Pod",
      request({ operation: "CONNECT", resource: "pods", subresource: "portforward", namespace: "org-acme" }),
      placed("org-acme", ORGANIZATION),
      "organization-namespace",
      "pods/x/portforward",
      NOT_A_MEMBER,
    ],
    [
      "an owner reference on a tenant's object",
      request({
        namespace: "org-acme",
        oldObject: { metadata: {} },
        object: { metadata: { ownerReferences: [{ kind: "ConfigMap", name: "gone" }] } },
      }),
      placed("org-acme", ORGANIZATION),
      "organization-namespace",
      "metadata.ownerReferences",
      NOT_A_MEMBER,
    ],
    [
      "an object of another Organization's environment",
      deletion({ namespace: "org-acme" }),
      placed("org-acme", { ...ORGANIZATION, [label("environment")]: "dev" }),
      "organization-namespace",
      "configmaps/x",
      NOT_A_MEMBER,
    ],
    [
      "an object in the public catalog",
      creation({ namespace: "catalog", name: "" }),
      placed("catalog"),
      "catalog-namespace",
      "configmaps/(new)",
      "namespace catalog mirrors the public catalog; keep private Blueprints in catalog-sovereign",
    ],
    [
      "another kind than a Blueprint in the private catalog",
      creation({ namespace: "catalog-sovereign" }),
      placed("catalog-sovereign"),
      "catalog-namespace",
      "configmaps/x",
      "namespace catalog-sovereign holds private Blueprints only, and only Franchisees keep them; use a namespace of your own",
    ],
    [
      "work in a namespace that the operator has not seen",
      creation({ namespace: "new" }),
      { kind: "unknown", namespace: "new" },
      "unknown-namespace",
      "configmaps/x",
      "the operator has not seen namespace new yet, so it cannot tell whose it is; try again in a few seconds",
    ],
    [
      "an APIService",
      creation({ group: "apiregistration.k8s.io", resource: "apiservices", namespace: "" }),
      CLUSTER,
      "cluster-scope",
      "apiservices/x",
      "only the platform may write apiservices x, because it affects the whole cluster; ask the platform team to make the change",
    ],
    [
      "a kind of a later version of Kubernetes",
      deletion({ group: "new.k8s.io", resource: "things", namespace: "" }),
      CLUSTER,
      "cluster-scope",
      "things/x",
      "only the platform may write things x, because it affects the whole cluster; ask the platform team to make the change",
    ],
    [
      "a connection to a node",
      request({ operation: "CONNECT", resource: "nodes", subresource: "proxy", namespace: "" }),
      CLUSTER,
      "cluster-scope",
      "nodes/x/proxy",
      "only the platform may write nodes x, because it affects the whole cluster; ask the platform team to make the change",
    ],
    [
      "a PersistentVolume",
      creation({ resource: "persistentvolumes", namespace: "" }),
      CLUSTER,
      "cluster-scope",
      "persistentvolumes/x",
      "only the platform may write persistentvolumes x, because it affects the whole cluster; use a PersistentVolumeClaim",
    ],
  ])("denies %s", (_, input, place, rule, path, message) => {
    for (const identity of [undefined, TENANT])
      expect(violationsOf(input, facts({ place, ...(identity === undefined ? {} : { identity }) }))).toEqual([
        { rule, path, message },
      ]);
  });

  it("lets a controller change only the caBundle of another group's CustomResourceDefinition", () => {
    const crd = (conversion: object, name = "certificates.cert-manager.io") =>
      request({
        group: "apiextensions.k8s.io",
        resource: "customresourcedefinitions",
        name,
        namespace: "",
        oldObject: { spec: { conversion: { webhook: { clientConfig: { caBundle: "a", url: "a" } } } } },
        object: { spec: { conversion } },
      });
    const known = facts({ place: CLUSTER, identity: { kind: "controller", namespace: "cert-manager" } });
    const bundle = { webhook: { clientConfig: { caBundle: "b", url: "a" } } };
    expect(violationsOf(crd(bundle), known)).toEqual([]);
    expect(
      violationsOf(crd({ webhook: { clientConfig: { caBundle: "b", url: "b" } } }), known),
    ).toMatchObject([
      { rule: "cluster-scope", path: "spec.conversion.webhook.clientConfig.caBundle" },
      { rule: "cluster-scope", path: "spec.conversion.webhook.clientConfig.url" },
    ]);
    expect(violationsOf(crd(bundle, `sovereigns.${GROUP}`), known)).toMatchObject([
      { rule: "cluster-scope" },
    ]);
  });

  it.each<[string, Partial<AdmissionInput>, boolean]>([
    ["its own Secret", { resource: "secrets", object: { type: "Opaque" } }, true],
    [
      "a Secret that gives an identity",
      { resource: "secrets", object: { type: "kubernetes.io/service-account-token" } },
      false,
    ],
    [
      "a Secret that the operator manages",
      { resource: "secrets", oldObject: { metadata: { labels: { [label("managed-by")]: "operator" } } } },
      false,
    ],
    ["a Pod", { resource: "pods" }, false],
  ])("judges %s of a controller in an Organization's home", (_, change, isAllowed) => {
    const known = facts({
      place: placed("org-acme", ORGANIZATION),
      identity: { kind: "controller", namespace: "external-secrets" },
    });
    const found = violationsOf(creation({ namespace: "org-acme", ...change }), known);
    expect(found.map(({ rule }) => rule)).toEqual(isAllowed ? [] : ["organization-namespace"]);
  });

  it("lets a controller write in the platform's namespaces only what bears its name, and nothing in the operator's", () => {
    const known = (namespace: string) =>
      facts({ place: placed(namespace), identity: { kind: "controller", namespace: "cert-manager" } });
    const lease = (namespace: string, name: string) =>
      creation({ group: "coordination.k8s.io", resource: "leases", namespace, name });
    expect(violationsOf(lease("kube-system", "cert-manager-controller"), known("kube-system"))).toEqual([]);
    expect(violationsOf(lease("kube-system", "kube-scheduler"), known("kube-system"))).toHaveLength(1);
    expect(violationsOf(lease("catalyst-system", "cert-manager-x"), known("catalyst-system"))).toHaveLength(
      1,
    );
  });
});
