import { describe, expect, it } from "vitest";
import { ingressAnnotationRule } from "../../../../src/admission/rules/ingress-annotation.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { creation, deletion, facts, request } from "../../../support/builder/admission-request.ts";

const INGRESS = { group: "networking.k8s.io", resource: "ingresses" };
const NGINX = "nginx.ingress.kubernetes.io";
const SNIPPET =
  "a snippet configures the ingress controller that all tenants share; remove it, or ask the platform team";
const DIRECTIVE = "line breaks, braces and semicolons would configure the shared controller; remove them";
const ALB_GROUP = "alb.ingress.kubernetes.io/group.name";
const groupProblem = (group: string) =>
  `the group ${group} may be that of another namespace's Ingress; set it to shop, or to shop.<name>`;
const FILE = "a file of the controller is not yours; name an object of shop";
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
    ["haproxy-ingress.github.io/auth-tls-secret", "secret://globex/ca", FOREIGN],
    ["haproxy-ingress.github.io/auth-secret", "file:///etc/passwd", FILE],
    ["haproxy.org/server-crt", "globex/tls", FOREIGN],
    ["haproxy.org/cr-backend", "globex/backend", FOREIGN],
    [ALB_GROUP, "edge", groupProblem("edge")],
    [ALB_GROUP, "shop-2.edge", groupProblem("shop-2.edge")],
  ])("refuses %s: %j", (annotation, value, message) => {
    expect(ingressAnnotationRule(ingress(annotation, value), facts())).toEqual([
      { rule: "ingress-annotation", path: `metadata.annotations[${annotation}]`, message },
    ]);
  });

  it("refuses what a write of the status adds, and nothing that it leaves as it was", () => {
    const { object } = ingress(`${NGINX}/server-snippet`, "return 200");
    const input = { ...INGRESS, subresource: "status", object };
    expect(ingressAnnotationRule(request({ ...input, oldObject: {} }), facts())).toHaveLength(1);
    expect(ingressAnnotationRule(request({ ...input, oldObject: object }), facts())).toEqual([]);
    expect(ingressAnnotationRule(request({ ...input, subresource: "scale" }), facts())).toEqual([]);
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
    ["a Secret of its namespace by its protocol", ingress("haproxy.org/server-crt", "secret://shop/tls")],
    ["a group of its namespace", ingress(ALB_GROUP, "shop")],
    ["one of several groups of its namespace", ingress(ALB_GROUP, "shop.public")],
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

describe("ingressAnnotationRule, for what a controller calls", () => {
  const known = facts({ isForeignNamespace: (name) => name === "sovereign-zero" });
  const HOST = "billing.sovereign-zero.svc.cluster.local";
  const SERVICE = (host = HOST) => `${host} is a Service in a namespace that is not yours; name another host`;
  const ADDRESS = (host: string) =>
    `${host} is an address, which may lead into the network of the client; write the name of a host`;
  const VARIABLE =
    "with this variable in the host, visitors choose what the controller calls; write the name of a host";
  const HAPROXY = "haproxy-ingress.github.io";

  it.each([
    [`${NGINX}/auth-url`, `http://${HOST}`, SERVICE()],
    [`${NGINX}/auth-url`, `  HTTP://${HOST.toUpperCase()}.:8085/checkout?a=b#c`, SERVICE()],
    [`${NGINX}/auth-url`, `http://user:password@${HOST}:8085/`, SERVICE()],
    [`${NGINX}/auth-url`, `$scheme://${HOST}/`, SERVICE()],
    [`${NGINX}/auth-url`, "http://billing.sovereign%2dzero.svc/", SERVICE("billing.sovereign-zero.svc")],
    [`${NGINX}/auth-url`, "http://billing.sovereign-zero:99999", SERVICE("billing.sovereign-zero")],
    [`${NGINX}/auth-url`, `//${HOST}`, SERVICE()],
    [`${NGINX}/auth-url`, "http://10-0-0-1.sovereign-zero.pod", SERVICE("10-0-0-1.sovereign-zero.pod")],
    [`${NGINX}/auth-signin`, `https://${HOST}/start?rd=$escaped_request_uri`, SERVICE()],
    [`${NGINX}/upstream-vhost`, HOST, SERVICE()],
    [`${NGINX}/upstream-vhost`, `${HOST}:8085`, SERVICE()],
    [`${NGINX}/mirror-target`, `http://${HOST}$request_uri`, SERVICE()],
    [`${NGINX}/mirror-host`, HOST, SERVICE()],
    ["ingress.kubernetes.io/auth-url", `http://${HOST}`, SERVICE()],
    [`${HAPROXY}/auth-url`, "svc://sovereign-zero/billing:8085/x", SERVICE("billing.sovereign-zero")],
    [`${NGINX}/auth-url`, "http://127.0.0.1:10246/", ADDRESS("127.0.0.1")],
    [`${NGINX}/auth-url`, "http://2852039166/latest", ADDRESS("169.254.169.254")],
    [`${NGINX}/mirror-target`, "http://[::1]:8085/", ADDRESS("[::1]")],
    [`${NGINX}/auth-url`, "http://$arg_host/", VARIABLE],
    [`${NGINX}/auth-url`, "http://$http_host/", VARIABLE],
    [`${NGINX}/auth-url`, "http://$host.svc.cluster.local/", VARIABLE],
    [`${NGINX}/auth-url`, "http://billing.sovereign-$host/", VARIABLE],
    [`${NGINX}/auth-url`, "http://billing.sovereign-zero.$host/", VARIABLE],
    [`${NGINX}/mirror-target`, "http://$cookie_a$request_uri", VARIABLE],
  ])("refuses %s: %j", (annotation, value, message) => {
    expect(ingressAnnotationRule(ingress(annotation, value), known)).toEqual([
      { rule: "ingress-annotation", path: `metadata.annotations[${annotation}]`, message },
    ]);
  });

  it.each([
    [`${NGINX}/auth-url`, "https://$host/oauth2/auth"],
    [`${NGINX}/auth-url`, "https://auth.$host/oauth2/auth"],
    [`${NGINX}/auth-url`, "http://oauth2-proxy.shop.svc.cluster.local:4180/auth"],
    [`${NGINX}/auth-url`, "https://auth.example.com/check?next=http://billing.sovereign-zero.svc"],
    [`${NGINX}/auth-signin`, "https://$http_x_forwarded_host/oauth2/start"],
    [`${NGINX}/auth-signin`, "https://192.0.2.7/oauth2/start"],
    [`${NGINX}/upstream-vhost`, "$service_name.$namespace.svc.cluster.local"],
    [`${NGINX}/mirror-target`, "https://test.example.com$request_uri"],
    [`${HAPROXY}/auth-url`, "svc://auth:4180"],
    [`${HAPROXY}/auth-url`, "svc://shop/auth"],
    ["example.org/note", `moved from ${HOST}`],
  ])("passes %s: %j", (annotation, value) => {
    expect(ingressAnnotationRule(ingress(annotation, value), known)).toEqual([]);
  });

  it.each([
    ["traefik.io", [{ rule: "ingress-annotation", path: "spec.forwardAuth.address", message: SERVICE() }]],
    ["gateway.networking.k8s.io", []],
  ])("reads the address of a Middleware of %s", (group, violations) => {
    const spec = { forwardAuth: { address: `http://${HOST}:8085` } };
    const input = creation({ group, resource: "middlewares", object: { spec } });
    expect(ingressAnnotationRule(input, known)).toEqual(violations);
  });

  it("passes a destination that the object had before", () => {
    const { object } = ingress(`${NGINX}/auth-url`, `http://${HOST}`);
    expect(ingressAnnotationRule(request({ ...INGRESS, oldObject: object, object }), known)).toEqual([]);
  });
});
