import { describe, expect, it } from "vitest";
import type { AdmissionRequest } from "../../../../src/playground/apiserver/admission/request.ts";
import type { WebhookSpec } from "../../../../src/playground/apiserver/admission/webhook.ts";
import {
  ALLOW,
  CATCH_ALL,
  creation,
  refusal,
  useAdmissionWebhooks,
  webhook,
} from "../../../support/server/admission-webhook.ts";

const { serve, chainOf } = useAdmissionWebhooks();

describe("the requests that a webhook is called for", () => {
  it.each<[string, Partial<WebhookSpec>, Partial<AdmissionRequest>, boolean]>([
    ["another group", { rules: [{ ...CATCH_ALL[0], apiGroups: ["batch"] }] }, {}, false],
    ["another operation", { rules: [{ ...CATCH_ALL[0], operations: ["DELETE"] }] }, {}, false],
    ["a subresource by *", {}, { subresource: "status" }, false],
    [
      "a subresource by */*",
      { rules: [{ ...CATCH_ALL[0], resources: ["*/*"] }] },
      { subresource: "status" },
      true,
    ],
    [
      "a subresource by name",
      { rules: [{ ...CATCH_ALL[0], resources: ["deployments/status"] }] },
      { subresource: "status" },
      true,
    ],
    ["cluster scope", { rules: [{ ...CATCH_ALL[0], scope: "Cluster" }] }, {}, false],
    ["its namespace's labels", { namespaceSelector: { matchLabels: { team: "a" } } }, {}, true],
    ["other namespace labels", { namespaceSelector: { matchLabels: { team: "b" } } }, {}, false],
    ["the object's labels", { objectSelector: { matchLabels: { app: "x" } } }, {}, false],
    [
      "the old object's labels",
      { objectSelector: { matchLabels: { app: "x" } } },
      { operation: "UPDATE", oldObject: { metadata: { labels: { app: "x" } } } },
      true,
    ],
    [
      "a condition that holds",
      { matchConditions: [{ name: "a", expression: "request.name == 'web'" }] },
      {},
      true,
    ],
    [
      "a condition that does not hold",
      { matchConditions: [{ name: "a", expression: "!('dev' in request.userInfo.groups)" }] },
      {},
      false,
    ],
    [
      "one false condition beside a failing one",
      {
        matchConditions: [
          { name: "a", expression: "object.nothing == 1" },
          { name: "b", expression: "false" },
        ],
      },
      {},
      false,
    ],
    [
      "a failing condition, ignored",
      { failurePolicy: "Ignore", matchConditions: [{ name: "a", expression: "object.nothing == 1" }] },
      {},
      false,
    ],
    [
      "its own configuration",
      {},
      {
        kind: {
          group: "admissionregistration.k8s.io",
          version: "v1",
          kind: "ValidatingWebhookConfiguration",
        },
        resource: {
          group: "admissionregistration.k8s.io",
          version: "v1",
          resource: "validatingwebhookconfigurations",
        },
        namespace: "",
      },
      false,
    ],
  ])("match or do not match by %s", async (_, spec, change, expected) => {
    const server = await serve(() => ALLOW);
    await chainOf({ validating: [webhook(server, spec)] }).validate(creation(change));
    expect(server.received).toHaveLength(expected ? 1 : 0);
  });

  it("are refused when a condition fails and the policy is Fail", async () => {
    const server = await serve(() => ALLOW);
    const spec = { matchConditions: [{ name: "a", expression: "object.nothing == 1" }] };
    expect(
      await refusal(chainOf({ validating: [webhook(server, spec)] }).validate(creation())),
    ).toMatchObject({
      code: 403,
      message:
        "deployments.apps \"web\" is forbidden: expression 'object.nothing == 1' resulted in error: no such key: nothing",
    });
    expect(server.received).toHaveLength(0);
  });

  it("are refused with 404 when the namespace whose labels they need does not exist", async () => {
    const server = await serve(() => ALLOW);
    const hook = webhook(server, { namespaceSelector: { matchLabels: { team: "a" } } });
    expect(
      await refusal(chainOf({ validating: [hook] }).validate(creation({ namespace: "gone" }))),
    ).toMatchObject({ code: 404, message: 'namespaces "gone" not found' });
  });

  it("match a Namespace by its new labels, and by its own name", async () => {
    const server = await serve(() => ALLOW);
    const hook = webhook(server, { namespaceSelector: { matchLabels: { team: "z" } } });
    const request = creation({
      kind: { group: "", version: "v1", kind: "Namespace" },
      resource: { group: "", version: "v1", resource: "namespaces" },
      name: "fresh",
      namespace: "",
      object: { metadata: { name: "fresh", labels: { team: "z" } } },
    });
    await chainOf({ validating: [hook] }).validate(request);
    expect(server.received[0]?.request).toMatchObject({ name: "fresh", namespace: "fresh" });
  });
});
