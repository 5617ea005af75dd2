import { describe, expect, it } from "vitest";
import { releaseSecretRule } from "../../../../src/admission/rules/release-secret.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { creation, deletion, facts, request } from "../../../support/builder/admission-request.ts";

const RELEASE = { type: "helm.sh/release.v1" };
const ACCOUNT = { username: "system:serviceaccount:shop:robot", groups: [] };
const release = (change: Partial<AdmissionInput> = {}) =>
  creation({ resource: "secrets", name: "sh.helm.release.v1.a.v1", object: RELEASE, ...change });

describe("releaseSecretRule", () => {
  it.each<[string, AdmissionInput]>([
    ["a person", release()],
    ["an account of another namespace", release({ namespace: "bazaar", user: ACCOUNT })],
    [
      "a person, with another type",
      release({ object: { type: "Opaque", metadata: { name: "sh.helm.release.v1.a.v1" } } }),
    ],
    ["the holder of the account's token", release({ user: { ...ACCOUNT, uid: "1" } })],
    [
      "a person who changes one",
      request({ resource: "secrets", name: "sh.helm.release.v1.a.v1", object: RELEASE }),
    ],
  ])("refuses a release of %s", (_, input) => {
    expect(releaseSecretRule(input, facts())).toEqual([
      {
        rule: "helm-release-secret",
        path: "secrets/sh.helm.release.v1.a.v1",
        message:
          "only Flux' helm-controller stores releases; install with a HelmRelease instead of the helm command",
      },
    ]);
  });

  it("refuses a Secret of any name and type with the label by which Helm lists releases", () => {
    const labelled = { type: "Opaque", metadata: { labels: { owner: "helm" } } };
    const input = creation({ resource: "secrets", name: "a", object: labelled });
    expect(releaseSecretRule(input, facts())).toMatchObject([
      { rule: "helm-release-secret", path: "secrets/a" },
    ]);
  });

  it.each<[string, AdmissionInput]>([
    ["helm-controller, which impersonates the account of the release", release({ user: ACCOUNT })],
    [
      "a Secret that is no release",
      release({ name: "a", object: { type: "Opaque", metadata: { labels: { owner: "shop" } } } }),
    ],
    ["a kind of another group", release({ group: "example.org" })],
    ["a kind of another name", release({ resource: "configmaps" })],
    ["a deletion", deletion({ resource: "secrets", oldObject: RELEASE })],
  ])("passes %s", (_, input) => {
    expect(releaseSecretRule(input, facts())).toEqual([]);
  });
});
