import { describe, expect, it } from "vitest";
import type { Franchise, Subject } from "../../../src/api/franchise.ts";
import type { Organization } from "../../../src/api/organization.ts";
import type { Informer, InformerEvent } from "../../../src/kube/informer.ts";
import { createAccountNamespaces } from "../../../src/operator/account-namespace.ts";
import { franchise } from "../../support/builder/catalyst-object.ts";

const account = (namespace: string): Subject => ({ kind: "ServiceAccount", name: "robot", namespace });
const withSubjects = (...subjects: Subject[]): Franchise => {
  const { spec, ...rest } = franchise("omantel");
  return { ...rest, spec: { ...spec, subjects } };
};
const organization = (...members: Subject[]) =>
  ({
    metadata: { name: "acme" },
    spec: { displayName: "a", owner: "amal", sovereign: "s", members },
  }) as Organization;

/** A cache that the test fills, and whose events it sends. */
function scripted<T extends Franchise | Organization>(objects: T[]) {
  const handlers: ((event: InformerEvent<T>) => void)[] = [];
  const informer = {
    list: () => objects,
    onChange: (handler: (event: InformerEvent<T>) => void) => handlers.push(handler),
  } as unknown as Informer<T>;
  return { informer, send: (event: InformerEvent<T>) => handlers.map((handler) => handler(event)) };
}
const listOf = (franchises: Franchise[], organizations: Organization[] = []) =>
  createAccountNamespaces({
    franchises: scripted(franchises).informer,
    organizations: scripted(organizations).informer,
  }).list();

describe("the namespaces with an account that acts for others", () => {
  it("are sorted, and each is listed once", () => {
    const franchises = [withSubjects(account("shop"), { kind: "User", name: "omantel-admin" })];
    expect(listOf(franchises, [organization(account("ci"), account("shop"))])).toEqual(["ci", "shop"]);
    expect(listOf([])).toEqual([]);
  });

  it("leave out what is not the name of a namespace", () => {
    const subjects = ["Shop", "a b", `a${"b".repeat(63)}`].map(
      (name): Subject => ({ kind: "User", name: `system:serviceaccount:${name}:robot` }),
    );
    expect(listOf([withSubjects(...subjects, account("shop"))])).toEqual(["shop"]);
  });

  it("are all namespaces when a group of all accounts is listed, and with more than 1,000 names", () => {
    expect(listOf([withSubjects({ kind: "Group", name: "system:serviceaccounts" })])).toEqual(["*"]);
    const many = (count: number) => Array.from({ length: count }, (_, index) => account(`ns-${index}`));
    expect(listOf([withSubjects(...many(1_000))])).toHaveLength(1_000);
    expect(listOf([withSubjects(...many(1_001))])).toEqual(["*"]);
  });

  it("report the changes that concern them, and no others", () => {
    const [franchises, organizations] = [scripted<Franchise>([]), scripted<Organization>([])];
    const namespaces = createAccountNamespaces({
      franchises: franchises.informer,
      organizations: organizations.informer,
    });
    let changes = 0;
    const changesBy = (send: () => unknown) => {
      const before = changes;
      send();
      return changes - before;
    };
    namespaces.onChange(() => {
      changes += 1;
    }, new AbortController().signal);
    const [plain, listed] = [withSubjects(), withSubjects(account("shop"))];
    expect(changesBy(() => franchises.send({ kind: "added", object: plain }))).toBe(0);
    expect(changesBy(() => franchises.send({ kind: "updated", previous: plain, object: listed }))).toBe(1);
    expect(changesBy(() => franchises.send({ kind: "updated", previous: listed, object: listed }))).toBe(0);
    expect(changesBy(() => franchises.send({ kind: "deleted", object: listed }))).toBe(1);
    expect(changesBy(() => organizations.send({ kind: "added", object: organization(account("ci")) }))).toBe(
      1,
    );
    expect(changesBy(() => organizations.send({ kind: "added", object: organization() }))).toBe(0);
  });
});
