import { describe, expect, it } from "vitest";
import type { ClusterFacts } from "../../../../src/admission/rules/fact.ts";
import type { ReviewedObject } from "../../../../src/admission/rules/request.ts";
import { volumeClaimRule } from "../../../../src/admission/rules/volume-claim.ts";
import { creation, deletion, facts, request } from "../../../support/builder/admission-request.ts";

const known = (change: Partial<ClusterFacts> = {}) =>
  facts({ isForeignNamespace: (name) => name === "org-globex", ...change });
const CLAIMS = { group: "", resource: "persistentvolumeclaims" };
const STORAGE = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const claim = (members: object) => ({ spec: { ...STORAGE, ...members } });
const from = (namespace: unknown) => ({ dataSourceRef: { kind: "VolumeSnapshot", name: "a", namespace } });

const NAMED = (name = "disk") =>
  `volume ${name} may be made for others; remove this field, or ask the platform team to reserve the volume for your claim by its spec.claimRef`;
const FOREIGN = "namespace org-globex is not yours; name a source in a namespace where you work";

describe("volumeClaimRule", () => {
  it.each<[string, ReviewedObject, string, string]>([
    ["a claim", claim({ volumeName: "disk" }), "spec.volumeName", NAMED()],
    ["a claim's source", claim(from("org-globex")), "spec.dataSourceRef.namespace", FOREIGN],
    [
      "a StatefulSet",
      { spec: { volumeClaimTemplates: [claim({}), claim({ volumeName: "disk" })] } },
      "spec.volumeClaimTemplates[1].spec.volumeName",
      NAMED(),
    ],
    [
      "a volume of a Pod",
      { spec: { volumes: [{ ephemeral: { volumeClaimTemplate: claim(from("org-globex")) } }] } },
      "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.dataSourceRef.namespace",
      FOREIGN,
    ],
    [
      "a template of a custom kind without a size",
      { spec: { storage: { pvcTemplate: { volumeName: "disk" } } } },
      "spec.storage.pvcTemplate.volumeName",
      NAMED(),
    ],
    [
      "the specification in a template of a custom kind",
      { spec: { storage: { volumeClaimTemplate: { spec: { volumeName: "disk" } } } } },
      "spec.storage.volumeClaimTemplate.spec.volumeName",
      NAMED(),
    ],
  ])("refuses in %s a volume that the namespace was not given", (_, object, path, message) => {
    expect(volumeClaimRule(creation({ ...CLAIMS, object }), known())).toEqual([
      { rule: "pod-isolation", path, message },
    ]);
  });

  it.each<[string, ReviewedObject]>([
    ["a claim of any volume", claim({ storageClassName: "fast", volumeName: "" })],
    ["a source in the same namespace", claim(from(undefined))],
    ["a source in a namespace of its own", claim(from("org-acme"))],
    ["a namespace that is no text", claim(from(7))],
    ["a member of that name elsewhere", { spec: { report: { volumeName: "disk" } } }],
    ["a schema", { properties: { volumeName: { type: "string" }, accessModes: { type: "array" } } }],
  ])("passes %s", (_, object) => {
    expect(volumeClaimRule(creation({ ...CLAIMS, object }), known())).toEqual([]);
  });

  it("passes the name that the controller of volumes wrote, and refuses another", () => {
    const update = (before: string, after: string) =>
      volumeClaimRule(
        request({
          ...CLAIMS,
          oldObject: claim({ volumeName: before }),
          object: claim({ volumeName: after }),
        }),
        known(),
      ).map(({ message }) => message);
    expect(update("disk", "disk")).toEqual([]);
    expect(update("", "disk")).toEqual([NAMED()]);
    expect(update("disk", "other")).toEqual([NAMED("other")]);
  });

  it("passes a deletion, and a restoration by Velero", () => {
    const object = claim({ volumeName: "disk" });
    const by = (namespace: string) => known({ identity: { kind: "controller", namespace } });
    expect(volumeClaimRule(deletion({ ...CLAIMS, oldObject: object }), known())).toEqual([]);
    expect(volumeClaimRule(creation({ ...CLAIMS, object }), by("velero"))).toEqual([]);
    expect(volumeClaimRule(creation({ ...CLAIMS, object }), by("external-secrets"))).toHaveLength(1);
  });
});
