import { afterEach, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import { checkImage, createImageChecks } from "../../../../src/controllers/billing-release/image-check.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { IMAGE, NEXT_IMAGE, release } from "../../../support/builder/catalyst-object.ts";
import { eventually } from "../../../support/wait.ts";

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

const unchecked = (): BillingRelease => release({}, { imageCheck: { image: IMAGE, result: "Found" } });

function start(answer: (image: string, signal: AbortSignal) => Promise<boolean>) {
  const stop = new AbortController();
  stops.push(stop);
  const images = createImageChecks({ now: () => new Date() });
  const enqueued: string[] = [];
  images.connect((name) => void enqueued.push(name), stop.signal);
  const asked: string[] = [];
  const findImage = (image: string, signal: AbortSignal) => {
    asked.push(image);
    return answer(image, signal);
  };
  const deps = { images, findImage, logger: createLogger("test", "silent") };
  return { asked, enqueued, check: (brel: BillingRelease) => checkImage(deps, brel) };
}

describe("checkImage", () => {
  it("asks once about an image that the registry has, and never again", async () => {
    const { check, asked } = start(async () => true);
    expect(await check(unchecked())).toBe("Found");
    expect(await check(unchecked())).toBe("Found");
    expect(await check(release())).toBe("Found");
    expect(asked).toEqual([NEXT_IMAGE]);
  });

  it("says that the registry does not have the image", async () => {
    expect(await start(async () => false).check(unchecked())).toBe("NotFound");
  });

  it("says Unknown when the registry gives no answer", async () => {
    const { check } = start(async () => Promise.reject(new Error("connection refused")));
    expect(await check(unchecked())).toBe("Unknown");
  });

  it("does not wait for a registry that hangs, and enqueues the release when it answers", async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const { check, enqueued } = start(() => promise);
    expect(await check(unchecked())).toBeUndefined();
    resolve(true);
    await eventually(() => expect(enqueued).toEqual(["stable"]));
    expect(await check(unchecked())).toBe("Found");
  });

  it("asks again when the release has another image", async () => {
    const { check, asked } = start(async (image) => image === IMAGE);
    const brel = unchecked();
    expect(await check(brel)).toBe("NotFound");
    const other = { ...brel, spec: { ...brel.spec, image: IMAGE }, status: {} };
    expect(await check(other)).toBe("Found");
    expect(asked).toEqual([NEXT_IMAGE, IMAGE]);
  });
});
