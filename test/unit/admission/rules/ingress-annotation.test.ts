import { describe, expect, it } from "vitest";
import { ingressAnnotationRule } from "../../../../src/admission/rules/ingress-annotation.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { creation, deletion, facts, request } from "../../../support/builder/admission-request.ts";

const INGRESS = { group: "networking.k8s.io", resource: "ingresses" };
const NGINX = "nginx.ingress.kubernetes.io";
const SNIPPET =
  "a snippet configures the ingress controller that all tenants share; remove it, or ask the platform team";
const DIRECTIVE = "line breaks, braces and semicolons would configure the shared controller; remove them";
const FOREIGN = "the controller would read another namespace for you; name an object of shop";

const ingress = (annotation: string, value: unknown, change: Partial<AdmissionInput> = {}) =>
  creation({
    ...INGRESS,
    object: { metadata: { annotations: { [annotation]: value } as Record<string, string> } },
    ...change,
  });

describe("ingressAnnotationRule", () => {
  it.each([
    [`${NGINX}/server-snippet`, "return 200", SNIPPET],
    [`${NGINX}/configuration-snippet`, "x", SNIPPET],
    [`${NGINX}/auth-snippet`, "x", SNIPPET],
    ["nginx.org/location-snippets", "x", SNIPPET],
    [`${NGINX}/auth-url`, "http://a;x", DIRECTIVE],
    [`${NGINX}/permanent-redirect`, "http://a{", DIRECTIVE],
    [`${NGINX}/rewrite-target`, "/}", DIRECTIVE],
    [`${NGINX}/mirror-host`, "a\nb", DIRECTIVE],
    [`${NGINX}/mirror-target`, "a\rb", DIRECTIVE],
    [`${NGINX}/auth-secret`, "globex/basic", FOREIGN],
    [`${NGINX}/auth-tls-secret`, " globex/ca ", FOREIGN],
    [`${NGINX}/proxy-ssl-secret`, "globex/ca", FOREIGN],
    [`${NGINX}/custom-headers`, "globex/headers", FOREIGN],
    ["haproxy-ingress.github.io/auth-secret", "globex/basic", FOREIGN],
  ])("refuses %s: %j", (annotation, value, message) => {
    expect(ingressAnnotationRule(ingress(annotation, value), facts())).toEqual([
      { rule: "ingress-annotation", path: `metadata.annotations[${annotation}]`, message },
    ]);
  });

  it.each(['/a" { return 200; }', "/a\nb", "/a\rb"])("refuses the path %j", (path) => {
    const paths = [{ path: "/orders/[0-9]{3};v=1" }, { path }];
    const input = creation({ ...INGRESS, object: { spec: { rules: [{}, { http: { paths } }] } } });
    expect(ingressAnnotationRule(input, facts())).toEqual([
      {
        rule: "ingress-annotation",
        path: "spec.rules[1].http.paths[1].path",
        message: "line breaks and quotation marks would configure the shared controller; remove them",
      },
    ]);
  });

  it("refuses snippets in the spec of the NGINX Ingress Controller's own kinds", () => {
    const spec = {
      "http-snippets": "x",
      routes: [{ "location-snippets": "y" }, { path: "/" }],
      serverSnippets: "",
    };
    const input = creation({ group: "k8s.nginx.org", resource: "virtualservers", object: { spec } });
    expect(ingressAnnotationRule(input, facts())).toEqual(
      ["spec.http-snippets", "spec.routes[0].location-snippets"].map((path) => ({
        ...{ rule: "ingress-annotation", path, message: SNIPPET },
      })),
    );
  });

  it.each<[string, AdmissionInput]>([
    ["a plain setting", ingress(`${NGINX}/proxy-body-size`, "8m")],
    ["a last line break", ingress(`${NGINX}/auth-url`, "http://a\n")],
    ["an empty snippet", ingress(`${NGINX}/server-snippet`, "")],
    ["a Secret of its namespace", ingress(`${NGINX}/auth-secret`, "shop/basic")],
    ["a Secret without a namespace", ingress(`${NGINX}/auth-secret`, "basic")],
    ["an address", ingress(`${NGINX}/auth-url`, "https://a/b")],
    ["a value that is no text", ingress(`${NGINX}/server-snippet`, { a: 1 })],
    ["another controller's semicolons", ingress("example.org/csp", "default-src 'self'; img-src *")],
    ["another kind", ingress(`${NGINX}/server-snippet`, "x", { group: "", resource: "configmaps" })],
    ["a deletion", deletion({ ...INGRESS, oldObject: ingress(`${NGINX}/server-snippet`, "x").object })],
    [
      "what the object had before",
      request({
        ...INGRESS,
        oldObject: ingress(`${NGINX}/server-snippet`, "x").object,
        object: ingress(`${NGINX}/server-snippet`, "x").object,
      }),
    ],
  ])("passes %s", (_, input) => {
    expect(ingressAnnotationRule(input, facts())).toEqual([]);
  });
});
