import { describe, expect, it } from "vitest";
import { describeDrift, touchesImage } from "../../../src/controllers/drift.ts";

describe("drift", () => {
  const image = {
    kind: "Deployment",
    name: "billing",
    fields: ["spec.template.spec.containers[billing].image"],
  };
  const gone = { kind: "Service", name: "billing", fields: [] };

  it("names the fields that differ, or the deletion", () => {
    expect(describeDrift(image)).toBe("Deployment billing: spec.template.spec.containers[billing].image");
    expect(describeDrift({ ...image, fields: ["spec.replicas", "spec.paused"] })).toBe(
      "Deployment billing: spec.replicas, spec.paused",
    );
    expect(describeDrift(gone)).toBe("Service billing: deleted");
  });

  it("unpins the image when it changes a container's image", () => {
    expect(touchesImage(image)).toBe(true);
    expect(touchesImage(gone)).toBe(false);
  });
});
