import { describe, expect, it } from "vitest";
import {
  accountNamespaces,
  accountsIn,
  includesAccount,
  isEmptyAccountSet,
  subjectsOf,
} from "../../../../src/admission/rules/account.ts";
import type { Subject } from "../../../../src/api/franchise.ts";
import type { Organization } from "../../../../src/api/organization.ts";

const SELLER: Subject = { kind: "ServiceAccount", name: "seller", namespace: "bazaar" };

describe("accounts", () => {
  it.each<[string, Subject[], string[], string[] | "*"]>([
    ["a ServiceAccount", [SELLER], ["bazaar"], ["seller"]],
    [
      "the user name of a ServiceAccount",
      [{ kind: "User", name: "system:serviceaccount:bazaar:seller" }],
      ["bazaar"],
      ["seller"],
    ],
    [
      "the group of a namespace's ServiceAccounts",
      [SELLER, { kind: "Group", name: "system:serviceaccounts:bazaar" }],
      ["bazaar"],
      "*",
    ],
    ["the group of all ServiceAccounts", [{ kind: "Group", name: "system:serviceaccounts" }], ["*"], "*"],
    [
      "accounts of other namespaces",
      [
        { ...SELLER, namespace: "shop" },
        { kind: "Group", name: "system:serviceaccounts:shop" },
      ],
      ["shop"],
      [],
    ],
    [
      "people and their groups",
      [
        { kind: "User", name: "amal" },
        { kind: "User", name: "serviceaccount:bazaar:seller" },
        { kind: "Group", name: "sellers" },
        { kind: "Group", name: "system:serviceaccounts-not" },
      ],
      [],
      [],
    ],
  ])("finds accounts in %s", (_, subjects, namespaces, accounts) => {
    expect(accountNamespaces(subjects)).toEqual(namespaces);
    expect(accountsIn("bazaar", subjects)).toEqual(accounts === "*" ? "*" : new Set(accounts));
  });

  it("finds accounts in the owner and the members of an Organization", () => {
    const spec = {
      displayName: "a",
      sovereign: "s",
      owner: "system:serviceaccount:ci:robot",
      members: [SELLER],
    };
    const subjects = subjectsOf({ metadata: { name: "a" }, spec } as Organization);
    expect(accountNamespaces(subjects)).toEqual(["ci", "bazaar"]);
  });
});

describe("a set of accounts", () => {
  it("includes its names, or every name", () => {
    expect(includesAccount(new Set(["a"]), "a")).toBe(true);
    expect(includesAccount(new Set(["a"]), "b")).toBe(false);
    expect(includesAccount("*", "b")).toBe(true);
    expect([new Set<string>(), new Set(["a"]), "*" as const].map(isEmptyAccountSet)).toEqual([
      true,
      false,
      false,
    ]);
  });
});
