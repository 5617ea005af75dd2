import { describe, expect, it } from "vitest";
import { createAuthorizer } from "../../src/playground/apiserver/access/authorization.ts";
import {
  BOOTSTRAP_CLUSTER_ROLE_BINDINGS,
  BOOTSTRAP_CLUSTER_ROLES,
} from "../../src/playground/apiserver/access/bootstrap-role.ts";
import type { RbacObject } from "../../src/playground/apiserver/access/rbac-index.ts";
import { accessObjects } from "../support/suite/access/cluster-object.ts";
import { ACCESS_TABLE, accessTable } from "../support/suite/access/table.ts";
import { type AuditedRequest, compareRights } from "../support/suite/access/used-right.ts";

const stored = [...BOOTSTRAP_CLUSTER_ROLES, ...BOOTSTRAP_CLUSTER_ROLE_BINDINGS, ...accessObjects()];
const authorizer = createAuthorizer({
  list: (resource) =>
    stored.filter(({ kind }) => `${kind.toLowerCase()}s` === resource) as unknown as RbacObject[],
  version: () => 1,
});

describe("the shipped roles", () => {
  it("give each subject exactly the rights in the recorded list", async () => {
    const table = await accessTable(
      ({ user, groups }, question) =>
        authorizer.authorize({ user: { username: user, groups: [...groups] }, ...question }).allowed,
    );
    await expect(table).toMatchFileSnapshot(ACCESS_TABLE);
  });
});

describe("compareRights", () => {
  const rule = (verbs: string[], resources: string[], resourceNames?: string[]) => ({
    ...{ apiGroups: [""], resources, verbs },
    ...(resourceNames === undefined ? {} : { resourceNames }),
  });
  const asked = (verb: string, resource: string, name?: string, decision = "allow"): AuditedRequest => ({
    verb,
    objectRef: { resource, namespace: "a", ...(name === undefined ? {} : { name }) },
    annotations: { "authorization.k8s.io/decision": decision },
  });
  const compare = (rules: ReturnType<typeof rule>[], ...requests: AuditedRequest[]) =>
    compareRights([{ metadata: {}, rules }], requests);

  it("lists each right that no request used, and each request that was refused", () => {
    expect(
      compare(
        [rule(["get", "list"], ["pods", "secrets"])],
        asked("get", "pods", "web"),
        asked("list", "secrets"),
        asked("delete", "pods", "web", "forbid"),
      ),
    ).toEqual({ unused: ["list pods", "get secrets"], missing: ["delete pods web in a"] });
  });

  it("counts a right to named objects when one of them was requested", () => {
    const named = [rule(["patch"], ["secrets"], ["x", "y"])];
    expect(compare(named, asked("patch", "secrets", "y")).unused).toEqual([]);
    expect(compare(named, asked("patch", "secrets", "z")).unused).toEqual(["patch secrets x,y"]);
  });

  it("counts the rights that server-side apply needs besides patch", () => {
    const applies = [rule(["patch", "create", "update", "delete"], ["services"])];
    expect(compare(applies, asked("patch", "services", "x")).unused).toEqual(["delete services"]);
  });

  it("counts a right only in the role's own namespace", () => {
    const role = { metadata: { namespace: "b" }, rules: [rule(["get"], ["pods"])] };
    expect(compareRights([role], [asked("get", "pods", "web")]).unused).toEqual(["get pods in b"]);
  });

  it("does not count a subresource as its resource", () => {
    const request = {
      ...asked("patch", "pods", "web"),
      objectRef: { resource: "pods", subresource: "status" },
    };
    expect(compare([rule(["patch"], ["pods"]), rule(["patch"], ["pods/status"])], request).unused).toEqual([
      "patch pods",
    ]);
  });
});
