import { describe, expect, it } from "vitest";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import {
  facts,
  GROUP,
  placed,
  request,
  TENANT,
  violationsOf,
} from "../../../support/builder/admission-request.ts";

const organization = { [`${GROUP}/organization`]: "acme" };
const member = { identity: TENANT, memberOf: new Set(["acme"]) };
const inEnvironment = facts({
  ...member,
  place: placed("acme-stg", { ...organization, [`${GROUP}/environment`]: "stg" }),
});
const status = (change: Partial<AdmissionInput> = {}) =>
  request({ resource: "pods", subresource: "status", namespace: "acme-stg", ...change });

describe("the rule for the status of Pods", () => {
  it.each([
    ["an environment", inEnvironment],
    ["an Organization's home", facts({ ...member, place: placed("org-acme", organization) })],
  ])("denies a member in %s", (_, known) =>
    expect(violationsOf(status(), known)).toEqual([
      {
        rule: "pod-status",
        path: "pods/x/status",
        message: "only the kubelet reports what a Pod does; change the Pod itself, or delete it",
      },
    ]),
  );

  const initContainers = (image: string, restartPolicy?: string) => ({
    spec: {
      initContainers: [
        { name: "kept", image: "k" },
        { name: "init", image, restartPolicy },
      ],
    },
  });
  const replaced = (restartPolicy?: string) =>
    status({
      ...{ subresource: "", oldObject: initContainers(`r.test/a@sha256:${"0".repeat(64)}`, restartPolicy) },
      object: initContainers(`r.test/a@sha256:${"1".repeat(64)}`, restartPolicy),
    });

  it("denies another image for an init container, which would count as one that ran", () =>
    expect(violationsOf(replaced(), inEnvironment)).toEqual([
      {
        rule: "pod-status",
        path: "spec.initContainers[1].image",
        message:
          "an init container does not run again in an existing Pod, so its image must stay; delete the Pod, and create another with the new image",
      },
    ]));

  it("allows another image for a sidecar, which runs again", () =>
    expect(violationsOf(replaced("Always"), inEnvironment)).toEqual([]));

  it.each([
    ["the Pod itself", status({ subresource: "" }), inEnvironment],
    ["the status of a Deployment", status({ group: "apps", resource: "deployments" }), inEnvironment],
    [
      "a listed controller",
      status(),
      { ...inEnvironment, identity: { kind: "controller" as const, namespace: "kyverno" } },
    ],
    ["the kubelet", status(), { ...inEnvironment, identity: { kind: "controlPlane" as const } }],
    ["an ordinary namespace", status(), facts()],
  ])("allows %s", (_, input, known) => expect(violationsOf(input, known)).toEqual([]));
});
