import { describe, expect, it } from "vitest";
import { createAuthorizer } from "../../src/playground/apiserver/access/authorization.ts";
import {
  BOOTSTRAP_CLUSTER_ROLE_BINDINGS,
  BOOTSTRAP_CLUSTER_ROLES,
} from "../../src/playground/apiserver/access/bootstrap-role.ts";
import type { RbacObject } from "../../src/playground/apiserver/access/rbac-index.ts";
import { accessObjects } from "../support/suite/access/cluster-object.ts";
import { ACCESS_TABLE, accessTable } from "../support/suite/access/table.ts";

const stored = [...BOOTSTRAP_CLUSTER_ROLES, ...BOOTSTRAP_CLUSTER_ROLE_BINDINGS, ...accessObjects()];
const authorizer = createAuthorizer({
  list: (resource) =>
    stored.filter(({ kind }) => `${kind.toLowerCase()}s` === resource) as unknown as RbacObject[],
  version: () => 1,
});

describe("the shipped roles", () => {
  it("give each subject the rights that are checked in, and no other", async () => {
    const table = await accessTable(
      ({ user, groups }, question) =>
        authorizer.authorize({ user: { username: user, groups: [...groups] }, ...question }).allowed,
    );
    await expect(table).toMatchFileSnapshot(ACCESS_TABLE);
  });
});
