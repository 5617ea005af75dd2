import { describe, expect, it } from "vitest";
import { post, remove } from "../../support/suite/red-team/attempt.ts";
import { problemsOf } from "../../support/suite/red-team/denial-text.ts";

const REQUEST = remove("/api/v1/namespaces/shop/pods/web");
const denial = (reasons: string, links = "docs/denied.md#image-digest") =>
  `admission webhook "ordinary-namespace.catalyst.openova.io" denied the request: ${reasons}. See ${links}`;

describe("the check of denials in the red-team tests", () => {
  it("accepts rule, field, remedy and link, once or more", () => {
    const both =
      "image-digest: spec.a: has no digest; write one; helm-release: spec.b: is foreign; remove it";
    expect(problemsOf(denial("image-digest: spec.a: has no digest; write one"), "stranger", REQUEST)).toEqual(
      [],
    );
    expect(
      problemsOf(
        denial(both, "docs/denied.md#image-digest docs/denied.md#helm-release"),
        "stranger",
        REQUEST,
      ),
    ).toEqual([]);
  });

  it.each<[string, string, string]>([
    [
      "no link",
      'admission webhook "a.catalyst.openova.io" denied the request: image-digest: spec.a: b: write c',
      "does not end",
    ],
    [
      "the webhook of another product",
      'admission webhook "a.b" denied the request: c. See d',
      "does not end",
    ],
    ["the link of another rule", denial("helm-release: spec.a: b; remove it"), "no link to helm-release"],
    ["no field", denial("image-digest: it has no digest; write one"), "names no rule and field"],
    ["no remedy", denial("image-digest: spec.a: the image has no digest"), "names no remedy"],
    [
      "no remedy for one of two",
      denial("image-digest: spec.a: is wrong; image-digest: spec.b: is wrong; remove it"),
      "names no remedy: image-digest: spec.a",
    ],
    ["too much text", denial(`image-digest: spec.a: ${"x".repeat(4_000)}; write it`), "characters"],
    ["a tenant's name", denial("image-digest: spec.a: used by acme; remove it"), "reveals acme"],
  ])("reports %s", (_, message, problem) => {
    expect(problemsOf(message, "stranger", REQUEST)).toEqual([expect.stringContaining(problem)]);
  });

  it("accepts the denial of a native policy", () => {
    const denied = (reason: string) =>
      `configmaps "new" is forbidden: ValidatingAdmissionPolicy 'catalyst-a' with binding 'catalyst-a' denied request: ${reason}. See docs/denied.md#platform-namespace`;
    const reason = "platform-namespace: metadata.namespace: is the platform's; work in your own";
    expect(problemsOf(denied(reason), "stranger", REQUEST)).toEqual([]);
    expect(problemsOf(denied("platform-namespace: metadata.namespace: no"), "stranger", REQUEST)).toEqual([
      expect.stringContaining("names no remedy"),
    ]);
  });

  it("reports the name of a Sovereign or an Organization of which the requester sent only a host or a namespace", () => {
    const used = (text: string) => denial(`image-digest: spec.a: ${text}; remove it`);
    const host = post("/api/v1/namespaces/shop/configmaps", { spec: { hosts: ["*.omantel.test."] } });
    expect(problemsOf(used("host *.omantel.test is served by a Sovereign"), "stranger", host)).toEqual([]);
    expect(problemsOf(used("host Omantel.Test. is served by Sovereign omantel"), "stranger", host)).toEqual([
      "it reveals omantel",
    ]);
    const place = remove("/api/v1/namespaces/org-acme/pods/web");
    expect(problemsOf(used("namespace org-acme is not yours"), "stranger", place)).toEqual([]);
    expect(problemsOf(used("org-acme belongs to Organization acme"), "stranger", place)).toEqual([
      "it reveals acme",
    ]);
    expect(problemsOf(used("served by Sovereign quoll"), "omantel", host)).toEqual(["it reveals quoll"]);
  });

  it("accepts names that the requester may read or has sent", () => {
    const message = denial("image-digest: spec.a: acme has no digest; write one");
    expect(problemsOf(message, "amal", REQUEST)).toEqual([]);
    expect(problemsOf(message, "stranger", remove("/api/v1/namespaces/acme/pods/web"))).toEqual([]);
  });
});
