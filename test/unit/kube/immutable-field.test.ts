import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { isOwnAndFixed } from "../../../src/kube/immutable-field.ts";

const OWN = {
  "catalyst.openova.io/managed-by": "operator",
  "catalyst.openova.io/sovereign": "omantel",
};
const object = (kind: string, members: object, labels: Record<string, string> = OWN) =>
  ({ apiVersion: "v1", kind, metadata: { name: "billing", labels }, ...members }) as KubernetesObject;
const selector = (app: string) => ({ spec: { selector: { matchLabels: { app } }, replicas: 2 } });

describe("isOwnAndFixed", () => {
  it.each<[string, KubernetesObject, KubernetesObject, boolean]>([
    [
      "a Deployment with another selector",
      object("Deployment", selector("a")),
      object("Deployment", selector("b")),
      true,
    ],
    [
      "a Deployment with the same selector",
      object("Deployment", selector("a")),
      object("Deployment", { spec: { ...selector("a").spec, replicas: 1 } }),
      false,
    ],
    [
      "a ConfigMap that was made immutable",
      object("ConfigMap", { data: { a: "1" } }),
      object("ConfigMap", { data: { a: "1" }, immutable: true }),
      true,
    ],
    [
      "another ConfigMap",
      object("ConfigMap", { data: { a: "1" } }),
      object("ConfigMap", { data: { a: "2" } }),
      false,
    ],
    ["a Service", object("Service", selector("a")), object("Service", selector("b")), false],
    [
      "a Deployment without an owner's labels",
      object("Deployment", selector("a")),
      object("Deployment", selector("b"), {}),
      false,
    ],
    [
      "a Deployment of another Sovereign",
      object("Deployment", selector("a")),
      object("Deployment", selector("b"), { ...OWN, "catalyst.openova.io/sovereign": "badr" }),
      false,
    ],
    [
      "an object that the operator does not mark as its own",
      object("Deployment", selector("a"), {}),
      object("Deployment", selector("b"), {}),
      false,
    ],
  ])("decides whether %s may be replaced", (_which, desired, live, expected) => {
    expect(isOwnAndFixed(desired, live)).toBe(expected);
  });
});
