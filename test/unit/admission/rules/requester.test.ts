import { describe, expect, it } from "vitest";
import { DEFAULT_PLATFORM } from "../../../../src/admission/rules/input.ts";
import { classifyRequester, isSubject } from "../../../../src/admission/rules/requester.ts";
import { franchise } from "../../../support/builder/catalyst-object.ts";

const omantel = franchise("omantel");
const user = (username: string, ...groups: string[]) => ({ username, groups });
const classify = (who: ReturnType<typeof user>, platform = DEFAULT_PLATFORM) =>
  classifyRequester(who, [franchise("other"), omantel], platform);

describe("classifyRequester", () => {
  it.each([
    [user("admin", "a", "system:masters"), "platform"],
    [user("ops", "catalyst:platform"), "platform"],
    [user("system:serviceaccount:kube-system:any"), "platform"],
    [user("system:serviceaccount:catalyst-system:catalyst-operator"), "platform"],
    [user("system:serviceaccount:flux-system:kustomize-controller"), "platform"],
    [user("omantel-admin", "system:masters"), "platform"],
    [user("system:serviceaccount:catalyst-system-evil:x"), "tenant"],
    [user("system:serviceaccount:shop:catalyst-system"), "tenant"],
    [user("x:system:serviceaccount:catalyst-system:x"), "tenant"],
    [user("system:serviceaccount:catalyst-system:x:y"), "tenant"],
    [user("system:serviceaccount:catalyst-system:"), "tenant"],
    [user("system:masters"), "tenant"],
    [user("system:node:a", "system:nodes"), "controlPlane"],
    [user("system:kube-scheduler"), "controlPlane"],
    [user("system:node:a"), "tenant"],
    [user("a-system:kube-scheduler"), "tenant"],
    [user("system:admin"), "tenant"],
    [user("omantel-admin"), "franchisee"],
    [user("omantel-admin2", "omantel-admin"), "tenant"],
  ])("%j is %s", (who, kind) => expect(classify(who).kind).toBe(kind));

  it("takes the configured identities for the platform, and no others", () => {
    const platform = { groups: ["ops"], serviceAccountNamespaces: ["tools"] };
    expect(classify(user("a", "ops"), platform).kind).toBe("platform");
    expect(classify(user("system:serviceaccount:tools:x"), platform).kind).toBe("platform");
    expect(classify(user("a", "system:masters"), platform).kind).toBe("tenant");
    expect(classify(user("system:serviceaccount:kube-system:x"), platform).kind).toBe("tenant");
  });

  it("gives a Franchisee only its own Franchises", () => {
    expect(classify(user("omantel-admin"))).toEqual({
      kind: "franchisee",
      franchises: [omantel],
      isPipeline: false,
    });
  });

  it.each([
    ["omantel-admin", ["catalyst:pipeline"], true],
    ["ci", ["a", "catalyst:pipeline"], true],
    ["omantel-admin", ["a"], false],
    ["catalyst:pipeline", [], false],
  ])("says whether %s of %j is the pipeline: %s", (name, groups, isPipeline) => {
    expect(classify(user(name, ...groups))).toMatchObject({ isPipeline });
  });
});

describe("isSubject", () => {
  it.each([
    [user("a"), { kind: "User", name: "a" }, true],
    [user("b"), { kind: "User", name: "a" }, false],
    [user("b", "a"), { kind: "User", name: "a" }, false],
    [user("b", "x", "a"), { kind: "Group", name: "a" }, true],
    [user("a"), { kind: "Group", name: "a" }, false],
    [user("system:serviceaccount:shop:a"), { kind: "ServiceAccount", name: "a", namespace: "shop" }, true],
    [user("system:serviceaccount:other:a"), { kind: "ServiceAccount", name: "a", namespace: "shop" }, false],
    [user("a"), { kind: "ServiceAccount", name: "a", namespace: "shop" }, false],
  ] as const)("%j is %j: %s", (who, subject, expected) => expect(isSubject(who, subject)).toBe(expected));
});
