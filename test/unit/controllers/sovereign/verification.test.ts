import { describe, expect, it } from "vitest";
import { createVerification } from "../../../../src/controllers/sovereign/verification.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { IMAGE, sovereign, verifiedOn } from "../../../support/builder/catalyst-object.ts";
import { billingPod } from "../../../support/builder/pod.ts";
import { cachesOf } from "../../../support/builder/reconcile-context.ts";
import { until } from "../../../support/wait.ts";

const podOf = (name: string, podIP: string) =>
  billingPod("billing-1", { namespace: `sovereign-${name}`, podIP });

/** Verifies Sovereigns, each with one Pod, until the test ends it. */
async function verify(
  sovereigns: ReturnType<typeof sovereign>[],
  readSchema: (baseUrl: string) => Promise<{ fingerprint: string }>,
  enough: (seen: { asked: string[]; enqueued: string[] }) => boolean,
) {
  const seen = { asked: [] as string[], enqueued: [] as string[] };
  const pods = sovereigns.map(({ metadata }, at) => podOf(metadata.name, `10.0.0.${at + 1}`));
  const verification = createVerification({
    caches: cachesOf({ sovereigns, pods }),
    readSchema: (baseUrl) => {
      seen.asked.push(baseUrl);
      return readSchema(baseUrl);
    },
    logger: createLogger("test", "silent"),
    pace: { everyMs: 10, minStepMs: 1 },
  });
  const stop = new AbortController();
  verification.connect((name) => void seen.enqueued.push(name), stop.signal);
  await until(() => enough(seen), "the rounds");
  stop.abort();
  return { ...seen, verification };
}

const fingerprint = verifiedOn(IMAGE).schemaFingerprint ?? "";

describe("createVerification", () => {
  it("drops a Sovereign that is deleted while its Pod is asked", async () => {
    const subject = sovereign("a", {}, verifiedOn(IMAGE));
    const caches = cachesOf({ sovereigns: [subject], pods: [podOf("a", "10.0.0.1")] });
    let isDeleted = false;
    let asked = 0;
    const verification = createVerification({
      caches: {
        ...caches,
        sovereigns: { ...caches.sovereigns, get: () => (isDeleted ? undefined : subject) },
      },
      readSchema: async () => {
        asked += 1;
        isDeleted = true;
        return { fingerprint: "sha256:other" };
      },
      logger: createLogger("test", "silent"),
      pace: { everyMs: 10, minStepMs: 1 },
    });
    const stop = new AbortController();
    const enqueued: string[] = [];
    verification.connect((name) => void enqueued.push(name), stop.signal);
    await until(() => asked > 0, "the question");
    await new Promise((done) => setTimeout(done, 30));
    stop.abort();
    expect(enqueued).toEqual([]);
    expect(verification.needsSmokeTest("a")).toBe(false);
  });

  it("asks one ready Pod of each verified Sovereign for its schema, and reconciles none while it is the same", async () => {
    const subjects = [
      sovereign("a", {}, verifiedOn(IMAGE)),
      sovereign("new"),
      sovereign("suspended", { suspend: true }, verifiedOn(IMAGE)),
      sovereign("b", {}, verifiedOn(IMAGE)),
    ];
    const { asked, enqueued } = await verify(
      subjects,
      async () => ({ fingerprint }),
      (seen) => seen.asked.length >= 8,
    );
    expect(new Set(asked)).toEqual(new Set(["http://10.0.0.1:8085", "http://10.0.0.4:8085"]));
    expect(enqueued).toEqual([]);
  });

  it.each<[string, () => Promise<{ fingerprint: string }>]>([
    ["has another schema", async () => ({ fingerprint: "sha256:other" })],
    ["does not answer", () => Promise.reject(new Error("timed out"))],
  ])(
    "reconciles a Sovereign once when its Pod %s, and again only after another smoke test",
    async (_what, other) => {
      const subjects = [sovereign("a", {}, verifiedOn(IMAGE)), sovereign("b", {}, verifiedOn(IMAGE))];
      const { enqueued, verification } = await verify(
        subjects,
        (baseUrl) => (baseUrl.includes("10.0.0.2") ? other() : Promise.resolve({ fingerprint })),
        (seen) => seen.asked.length >= 12,
      );
      expect(enqueued).toEqual(["b"]);
      expect(["a", "b"].map(verification.needsSmokeTest)).toEqual([false, true]);
      verification.clear("b");
      expect(verification.needsSmokeTest("b")).toBe(false);
    },
  );

  it("continues with the others while Pods hang", async () => {
    const subjects = ["a", "b", "c"].map((name) => sovereign(name, {}, verifiedOn(IMAGE)));
    const { asked } = await verify(
      subjects,
      (baseUrl) =>
        baseUrl.includes("10.0.0.1:") ? new Promise(() => undefined) : Promise.resolve({ fingerprint }),
      (seen) => seen.asked.filter((url) => url.includes("10.0.0.3")).length >= 3,
    );
    expect(asked.filter((url) => url.includes("10.0.0.2")).length).toBeGreaterThanOrEqual(2);
  });
});
