import { describe, expect, it } from "vitest";
import { managedObjectRule } from "../../../../src/admission/rules/ownership.ts";
import { facts, GROUP, request } from "../../../support/builder/admission-request.ts";

describe("managedObjectRule", () => {
  const managed = { metadata: { labels: { [`${GROUP}/managed-by`]: "hub" } } };
  const found = (group: string, resource: string) =>
    managedObjectRule(request({ group, resource, oldObject: managed, object: managed }), facts());

  it("leaves kinds with rules of their own to these", () => {
    expect(found("", "configmaps")).toHaveLength(1);
    expect(found("", "namespaces")).toEqual([]);
    expect(found(GROUP, "sovereigns")).toEqual([]);
  });
});
