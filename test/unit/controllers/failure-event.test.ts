import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { failureEvents } from "../../../src/controllers/failure-event.ts";

const NAMESPACE = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };

describe("failureEvents", () => {
  const failure = { reason: "WriteForbidden", message: "ConfigMap shop/soak: 403", isFinal: false };

  function recorded(key: string) {
    const events: unknown[] = [];
    const recorder = {
      record: (object: KubernetesObject, ...rest: string[]) =>
        void events.push([object.metadata.name, ...rest]),
      flush: async () => undefined,
      settle: async () => undefined,
    };
    failureEvents(recorder, (name) => (name === "shop" ? NAMESPACE : undefined))(key, failure);
    return events;
  }

  it("reports the failure on the object of the key", () => {
    expect(recorded("shop")).toEqual([["shop", "Warning", "WriteForbidden", "ConfigMap shop/soak: 403"]]);
  });

  it("reports nothing when the object is gone", () => {
    expect(recorded("other")).toEqual([]);
  });
});
