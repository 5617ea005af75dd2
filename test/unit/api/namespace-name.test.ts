import { describe, expect, it } from "vitest";
import { ORGANIZATION } from "../../../src/api/organization.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { manifestProblems } from "../../support/builder/manifest.ts";

const organization = (name: string) => ({
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: ORGANIZATION.kind,
  metadata: { name },
  spec: { displayName: "Acme", owner: "salma", sovereign: "omantel" },
});

describe("the name of a kind that names a namespace", () => {
  it.each([
    ["Sovereign", sovereign],
    ["Organization", organization],
  ])("refuses a dot in the name of a %s", (_, create) => {
    expect(manifestProblems(create("omantel-works"))).toEqual([]);
    expect(JSON.stringify(manifestProblems(create("omantel.works")))).toContain(
      "metadata.name must not contain a dot, because namespaces are named after it: replace each dot with a dash",
    );
  });
});
