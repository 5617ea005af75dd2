import { describe, expect, it } from "vitest";
import type { BillingRelease, BillingReleaseStatus } from "../../../../src/api/billing-release.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { planOf } from "../../../../src/controllers/billing-release/desired-member.ts";
import { tallyOf } from "../../../../src/controllers/billing-release/desired-tally.ts";
import { desiredStatus } from "../../../../src/controllers/billing-release/status.ts";
import {
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  servingOn,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";

const zero = (image: string) => sovereign("zero", { role: "CatalystZero" }, verifiedOn(image));
/** The first of the fleet is Catalyst-Zero. */
const statusOf = (brel: BillingRelease, fleet: Sovereign[]) =>
  desiredStatus(brel, tallyOf(planOf(brel), fleet, Date.parse(NOW)), fleet[0], NOW);

describe("the references of a BillingRelease", () => {
  const imageOf = (digit: number) =>
    `registry.example/catalyst@sha256:${digit.toString(16).padStart(64, "0")}`;
  const earlierOf = (images: string[]) =>
    images.flatMap((image) => {
      const { reference } = measured(image);
      return reference === undefined ? [] : [reference];
    });
  const imagesIn = ({ reference, earlierReferences = [] }: BillingReleaseStatus) => [
    reference?.image,
    ...earlierReferences.map(({ image }) => image),
  ];

  it("stay when no Sovereign runs their image any more, because all may go back to it", () => {
    const brel = release({}, { ...measured(IMAGE) });
    const during = statusOf(brel, [zero(NEXT_IMAGE), sovereign("alpha", {}, servingOn(IMAGE))]);
    expect(imagesIn(during)).toEqual([NEXT_IMAGE, IMAGE]);
    const fleet = [zero(NEXT_IMAGE), sovereign("alpha", {}, servingOn(NEXT_IMAGE))];
    expect(statusOf({ ...brel, status: during }, fleet).earlierReferences).toEqual([
      measured(IMAGE).reference,
    ]);
  });

  it("are at most 17: those of images that a Sovereign runs or may go back to stay longest", () => {
    const images = Array.from({ length: 16 }, (_, index) => imageOf(index + 1));
    const [newest = "", oldest = "", nextToOldest = ""] = [imageOf(1), imageOf(16), imageOf(15)];
    const status = { ...measured(IMAGE), earlierReferences: earlierOf(images) };
    const held = sovereign("alpha", {}, { ...verifiedOn(oldest), previousImage: nextToOldest });
    const after = imagesIn(statusOf(release({}, status), [zero(NEXT_IMAGE), held]));
    expect([after.length, after.slice(0, 3)]).toEqual([17, [NEXT_IMAGE, IMAGE, newest]]);
    expect(after.slice(-2)).toEqual([nextToOldest, oldest]);
    expect(after).not.toContain(imageOf(14));
  });

  it("are not measured again after a return, when Catalyst-Zero has the newer schema", () => {
    const brel = release({}, { ...measured(NEXT_IMAGE), earlierReferences: earlierOf([IMAGE]) });
    const back = { ...brel, spec: { ...brel.spec, image: IMAGE } };
    const onNewer = { ...verifiedOn(IMAGE), schemaVersion: "0002" };
    const status = statusOf(back, [sovereign("zero", { role: "CatalystZero" }, onNewer)]);
    expect(status.reference).toEqual(measured(IMAGE).reference);
    expect(imagesIn(status)).toEqual([IMAGE, NEXT_IMAGE]);
  });

  it.each([
    ["beside the present one", measured(NEXT_IMAGE), [NEXT_IMAGE, IMAGE]],
    ["alone", {}, [IMAGE]],
  ])("include the image that Catalyst-Zero went back to, %s", (_what, status, expected) => {
    expect(imagesIn(statusOf(release({}, status), [zero(IMAGE)]))).toEqual(expected);
  });
});
