import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { createApplyMemory } from "../../../src/kube/apply-memory.ts";
import type { OwnedObject } from "../../../src/kube/foreign-field.ts";
import { createCompactStore } from "../../../src/kube/object-store.ts";

type Held = KubernetesObject & { spec?: unknown };

const objectOf = (name: string, spec: unknown = {}): Held => ({
  ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } },
  spec,
});

/** A value as a server sends it. */
const received = fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as unknown);
const FEW = { numRuns: 10 };

describe("the compact store", () => {
  it("returns every object as it was stored, among more objects than it keeps unpacked", () => {
    fc.assert(
      fc.property(fc.array(received, { minLength: 60, maxLength: 120 }), (specs) => {
        const store = createCompactStore<Held>();
        for (const [index, spec] of specs.entries()) store.set(`${index}`, objectOf(`${index}`, spec));
        for (const [index, spec] of specs.entries())
          expect(store.get(`${index}`)).toEqual(objectOf(`${index}`, spec));
        expect([...store.values()]).toHaveLength(specs.length);
        expect([...store.keys()]).toEqual(specs.map((_, index) => `${index}`));
      }),
      FEW,
    );
  });

  it("returns the newest version of an object, and none of a deleted one", () => {
    const store = createCompactStore<Held>();
    for (let index = 0; index < 100; index += 1) store.set(`${index}`, objectOf(`${index}`));
    store.set("0", objectOf("0", { a: 1 }));
    store.set("99", objectOf("99", { a: 2 }));
    store.delete("1");
    store.delete("98");
    expect([store.get("0")?.spec, store.get("99")?.spec]).toEqual([{ a: 1 }, { a: 2 }]);
    expect([store.get("1"), store.has("1"), store.get("98"), store.has("98")]).toEqual([
      undefined,
      false,
      undefined,
      false,
    ]);
    expect(store.has("0")).toBe(true);
  });

  it("returns the same copy to readers that follow each other", () => {
    const store = createCompactStore<Held>();
    for (let index = 0; index < 100; index += 1) store.set(`${index}`, objectOf(`${index}`));
    expect(store.get("0")).toBe(store.get("0"));
  });

  it("leaves every finding of drift as it is for the stored object itself", () => {
    const content = fc.record({ spec: received, data: fc.dictionary(fc.string(), fc.string()) });
    const fields = fc.constantFrom({}, { "f:data": { "f:other": {} } }, { "f:spec": { "f:added": {} } });
    fc.assert(
      fc.property(content, content, fields, (wanted, found, fieldsV1) => {
        const base = { apiVersion: "v1", kind: "ConfigMap" };
        const desired = { ...base, metadata: { name: "x" }, ...wanted } as KubernetesObject;
        const managedFields = [{ manager: "kubectl", fieldsV1 }];
        const live = { ...base, metadata: { name: "x", managedFields }, ...found } as OwnedObject;
        const store = createCompactStore<OwnedObject>();
        store.set("x", live);
        for (let index = 0; index < 100; index += 1) store.set(`${index}`, objectOf(`${index}`));
        const stored = store.get("x") as OwnedObject;
        const memory = createApplyMemory();
        expect(memory.unsettledFields(desired, stored)).toEqual(memory.unsettledFields(desired, live));
        expect(memory.isKnown(desired, stored)).toBe(memory.isKnown(desired, live));
      }),
      FEW,
    );
  });
});
