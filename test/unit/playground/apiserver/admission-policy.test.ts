import { describe, expect, it } from "vitest";
import { createAuthorizer } from "../../../../src/playground/apiserver/access/authorization.ts";
import { createAdmissionChain } from "../../../../src/playground/apiserver/admission/chain.ts";
import type { BindingSpec, PolicySpec } from "../../../../src/playground/apiserver/admission/policy.ts";
import type { AdmissionRequest } from "../../../../src/playground/apiserver/admission/request.ts";
import type { JsonObject } from "../../../../src/playground/apiserver/object.ts";
import { StatusError } from "../../../../src/playground/apiserver/status.ts";
import { binding, policy, RULES } from "../../../support/builder/admission-policy.ts";

const REQUEST: AdmissionRequest = {
  operation: "CREATE",
  kind: { group: "", version: "v1", kind: "ConfigMap" },
  resource: { group: "", version: "v1", resource: "configmaps" },
  subresource: "",
  name: "c",
  namespace: "default",
  user: { username: "admin", groups: ["system:masters"] },
  object: { metadata: { name: "c" }, data: { a: "b" } },
  oldObject: null,
  options: null,
  dryRun: false,
};

function chainOf(...objects: JsonObject[]) {
  const authorizer = createAuthorizer({ list: () => [], version: () => 1 });
  return createAdmissionChain({
    authorizer,
    version: () => 1,
    list: (resource) =>
      objects.filter(({ kind }) =>
        resource === "validatingadmissionpolicies"
          ? kind === "ValidatingAdmissionPolicy"
          : resource === "validatingadmissionpolicybindings" && kind === "ValidatingAdmissionPolicyBinding",
      ),
    namespace: (name) => ({ metadata: { name, labels: { team: "a" } } }),
    resolveService: () => undefined,
    applyJsonPatch: (object) => object,
  });
}

async function outcome(
  spec: Partial<PolicySpec>,
  bound: Partial<BindingSpec> = {},
  request = REQUEST,
): Promise<unknown> {
  try {
    const notes = await chainOf(policy(spec), binding(bound)).validate(request);
    return notes.warnings.length > 0 ? notes.warnings : "allowed";
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return [error.code, error.reason, error.message];
  }
}

const denied = (message: string) =>
  `configmaps "c" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ${message}`;
const FALSE = { validations: [{ expression: "false", message: "no" }] };

// The expected messages are those of kube-apiserver 1.36.
describe("a ValidatingAdmissionPolicy", () => {
  it.each<[string, Partial<PolicySpec>, Partial<BindingSpec>, unknown]>([
    ["holds", { validations: [{ expression: "object.data.a == 'b'" }] }, {}, "allowed"],
    [
      "denies with its expression",
      { validations: [{ expression: "false" }] },
      {},
      [422, "Invalid", denied("failed expression: false")],
    ],
    [
      "denies with its message",
      { validations: [{ expression: "false", message: " no " }] },
      {},
      [422, "Invalid", denied("no")],
    ],
    [
      "denies with its messageExpression and its reason",
      {
        validations: [
          { expression: "false", messageExpression: "'got ' + object.data.a", reason: "Forbidden" },
        ],
      },
      {},
      [403, "Forbidden", denied("got b")],
    ],
    [
      "fails closed",
      { validations: [{ expression: "object.data.zz == 'x'" }] },
      {},
      [422, "Invalid", denied("expression 'object.data.zz == 'x'' resulted in error: no such key: zz")],
    ],
    [
      "fails open when it says so",
      { failurePolicy: "Ignore", validations: [{ expression: "object.data.zz == 'x'" }] },
      {},
      "allowed",
    ],
    [
      "warns",
      FALSE,
      { validationActions: ["Warn"] },
      ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no"],
    ],
    ["audits", FALSE, { validationActions: ["Audit"] }, "allowed"],
    [
      "computes variables from one another",
      {
        variables: [
          { name: "data", expression: "object.data" },
          { name: "both", expression: "variables.data.a + 'x'" },
        ],
        validations: [{ expression: "variables.both == 'q'", messageExpression: "'is ' + variables.both" }],
      },
      {},
      [422, "Invalid", denied("is bx")],
    ],
    [
      "names a variable that cannot be computed",
      {
        variables: [{ name: "zz", expression: "object.data.zz" }],
        validations: [{ expression: "variables.zz == 'q'" }],
      },
      {},
      [
        422,
        "Invalid",
        denied(
          "expression 'variables.zz == 'q'' resulted in error: composited variable \"zz\" fails to evaluate: no such key: zz",
        ),
      ],
    ],
    [
      "does not apply where its condition does not hold",
      { ...FALSE, matchConditions: [{ name: "x", expression: "request.userInfo.username != 'admin'" }] },
      {},
      "allowed",
    ],
    [
      "reads the request, its namespace and the authorizer",
      {
        validations: [
          {
            expression:
              "request.namespace == 'default' && !has(request.subResource) && !request.dryRun && namespaceObject.metadata.labels.team == 'a' && oldObject == null && authorizer.requestResource.check('create').allowed() && authorizer.group('').resource('pods').namespace('x').check('get').allowed()",
          },
        ],
      },
      {},
      "allowed",
    ],
    [
      "checks the rights of a service account",
      {
        validations: [
          {
            expression: "!authorizer.serviceAccount('default', 'sa').path('/metrics').check('get').allowed()",
          },
        ],
      },
      {},
      "allowed",
    ],
    [
      "is narrowed by its binding",
      FALSE,
      { matchResources: { namespaceSelector: { matchLabels: { team: "b" } } } },
      "allowed",
    ],
    [
      "does not apply to resources that it excludes",
      {
        ...FALSE,
        matchConstraints: {
          resourceRules: RULES,
          excludeResourceRules: [{ ...RULES[0], resourceNames: ["c"] }],
        },
      },
      {},
      "allowed",
    ],
  ])("%s", async (_, spec, bound, expected) => {
    expect(await outcome(spec, bound)).toEqual(expected);
  });

  it("guards webhook configurations, but neither policies nor reviews", async () => {
    const everything: Partial<PolicySpec> = {
      matchConstraints: {
        resourceRules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"] }],
      },
      ...FALSE,
    };
    const about = (group: string, kind: string): AdmissionRequest => ({
      ...REQUEST,
      namespace: "",
      kind: { group, version: "v1", kind },
      resource: { group, version: "v1", resource: `${kind.toLowerCase()}s` },
    });
    const registration = "admissionregistration.k8s.io";
    expect(await outcome(everything, {}, about(registration, "ValidatingWebhookConfiguration"))).not.toBe(
      "allowed",
    );
    expect(await outcome(everything, {}, about(registration, "ValidatingAdmissionPolicy"))).toBe("allowed");
    expect(await outcome(everything, {}, about("authorization.k8s.io", "SubjectAccessReview"))).toBe(
      "allowed",
    );
  });

  it("denies only the requests that it matches when it does not compile", async () => {
    const broken = { validations: [{ expression: "foo" }] };
    expect(await outcome(broken)).toMatchObject([
      422,
      "Invalid",
      expect.stringContaining("compilation failed"),
    ]);
    const secrets = { ...REQUEST, resource: { ...REQUEST.resource, resource: "secrets" } };
    expect(await outcome(broken, {}, secrets)).toBe("allowed");
  });
});
