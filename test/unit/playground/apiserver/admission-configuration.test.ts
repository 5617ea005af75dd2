import { describe, expect, it } from "vitest";
import { applyConfigurationDefaults } from "../../../../src/playground/apiserver/admission/configuration-default.ts";
import { validateAdmissionConfiguration } from "../../../../src/playground/apiserver/admission/configuration-validation.ts";
import type { JsonObject } from "../../../../src/playground/apiserver/object.ts";
import { binding, policy } from "../../../support/builder/admission-policy.ts";

describe("validateAdmissionConfiguration", () => {
  const problems = (object: JsonObject) => {
    applyConfigurationDefaults(object);
    return validateAdmissionConfiguration(object).map(({ field, message }) => `${field}: ${message}`);
  };

  it.each<[JsonObject, string[]]>([
    [policy({ validations: [{ expression: "true" }] }), []],
    [
      policy({ validations: [{ expression: "foo" }] }),
      [
        "spec.validations[0].expression: Invalid value: \"foo\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo\n | ^",
      ],
    ],
    [
      policy({ validations: [{ expression: "1" }] }),
      ['spec.validations[0].expression: Invalid value: "1": must evaluate to bool but got int'],
    ],
    [
      policy({ validations: [{ expression: "true", messageExpression: "object.x" }] }),
      [
        'spec.validations[0].messageExpression: Invalid value: "object.x": must evaluate to string but got dyn',
      ],
    ],
    [
      policy({ validations: [{ expression: "true", reason: "Foo" }] }),
      [
        'spec.validations[0].reason: Unsupported value: "Foo": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
      ],
    ],
    [
      policy({ paramKind: {}, validations: [{ expression: "true" }] }),
      [
        "spec.paramKind: Forbidden: this API server evaluates policies without parameters: put them into the expressions",
      ],
    ],
    [
      policy({ variables: [{ name: "a b", expression: "1" }], validations: [{ expression: "true" }] }),
      ['spec.variables[0].name: Invalid value: "a b": must be a valid CEL identifier'],
    ],
    [binding({}), []],
    [
      binding({ validationActions: [] }),
      ["spec.validationActions: Required value: at least one validation action is required"],
    ],
    [
      binding({ validationActions: ["Deny", "Warn"] }),
      [
        'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
  ])("names each problem of %j", (object, expected) => {
    expect(problems(structuredClone(object))).toEqual(expected);
  });

  it("checks webhooks as well as policies", () => {
    const configuration = (webhook: JsonObject): JsonObject => ({
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "w" },
      webhooks: [{ name: "a.example.com", clientConfig: { url: "https://h/x" }, ...webhook }],
    });
    expect(problems(configuration({ sideEffects: "None", admissionReviewVersions: ["v1"] }))).toEqual([]);
    expect(
      problems(
        configuration({
          name: "x",
          sideEffects: "Some",
          timeoutSeconds: 40,
          clientConfig: { url: "http://h" },
        }),
      ),
    ).toEqual([
      'webhooks[0].name: Invalid value: "x": should be a domain with at least three segments separated by dots',
      'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
      "webhooks[0].timeoutSeconds: Invalid value: 40: the timeout value must be between 1 and 30 seconds",
      "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
      "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
    ]);
  });
});
