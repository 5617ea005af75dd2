import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";
import { releaseOf } from "./cluster.ts";
import type { ObjectReference } from "./cluster-object.ts";
import type { StoryContext, StorySovereign } from "./context.ts";
import { expectEqual, expectThat } from "./expectation.ts";

interface SovereignObject {
  status: {
    pinnedImage: string;
    schemaVersion: string;
    schemaFingerprint: string;
    apiFingerprint: string;
    lastSmokeTest: { steps: { name: string; passed: boolean; durationMs: number }[] };
  };
}

/** Follows one Sovereign from its manifest to `Ready`, condition by condition. */
export async function runSovereignChapter(context: StoryContext, sovereign: StorySovereign): Promise<void> {
  const { reporter, cluster } = context;
  const { name, namespace } = sovereign;
  const self: ObjectReference = { kind: "Sovereign", name };
  const becomes = (type: string) => cluster.waitForCondition(self, type, "True");
  const read = () => cluster.mustGet<SovereignObject>(self);

  await reporter.step(`${name}: the release's image digest is pinned`, async (observe) => {
    await becomes("ImagePinned");
    observe((await read()).status.pinnedImage);
  });

  await reporter.step(`${name}: the database is reachable`, async (observe) => {
    const condition = await becomes("DatabaseReady");
    observe(condition.message);
  });

  await reporter.step(`${name}: the migration Job ran once`, async (observe) => {
    await becomes("Migrated");
    const jobs = await cluster.list("Job", namespace);
    expectEqual("migration Jobs", jobs.length, 1);
    const { succeeded } = (jobs[0] as unknown as { status: { succeeded?: number } }).status;
    expectEqual("successful runs of the Job", succeeded, 1);
    const { status } = await read();
    observe(`job/${jobs[0]?.metadata.name}: schema ${status.schemaVersion}, ${status.schemaFingerprint}`);
  });

  await reporter.step(`${name}: the Deployment is rolled out`, async (observe) => {
    await becomes("RolledOut");
    const pods = await cluster.list("Pod", namespace, "app.kubernetes.io/name=billing");
    observe(`deployment/billing: ${pods.length} Pods, all on the pinned digest`);
  });

  await reporter.step(`${name}: the four-step smoke test passes`, async (observe) => {
    await cluster.waitUntil(self, "status.lastSmokeTest is set", (object) =>
      Boolean((object as Partial<SovereignObject>).status?.lastSmokeTest),
    );
    const { steps } = (await read()).status.lastSmokeTest;
    expectEqual(
      "passed steps",
      steps.map(({ passed }) => passed),
      [true, true, true, true],
    );
    observe(steps.map((step) => `${step.name} ${Math.round(step.durationMs)} ms`).join(" · "));
  });

  await reporter.step(`${name}: schema and API are identical to Catalyst-Zero's`, async (observe) => {
    await becomes("VoucherShapeVerified");
    const { schemaFingerprint, apiFingerprint } = (await read()).status;
    const reference = await cluster.waitForReleaseReference(await releaseOf(cluster, name));
    expectEqual("schema fingerprint", schemaFingerprint, reference.schemaFingerprint);
    expectEqual("API fingerprint", apiFingerprint, reference.apiFingerprint);
    const served = await fetch(`${sovereign.url}/openapi.json`, { signal: context.signal });
    expectThat(served.ok, "the Sovereign serves its API description", served.status);
    const servedFingerprint = sha256Digest(canonicalJson(await served.json()));
    expectEqual("fingerprint of the served API description", servedFingerprint, apiFingerprint);
    observe(`schema ${schemaFingerprint} · API ${apiFingerprint} (measured on ${reference.measuredOn})`);
    observe(`GET ${sovereign.url}/openapi.json → 200, with the same API fingerprint`);
  });

  await reporter.step(`${name}: the Sovereign is Ready`, async (observe) => {
    await becomes("Ready");
    const conditions = await cluster.conditionsOf(self);
    observe(conditions.map(({ type, status }) => `${type}=${status}`).join(" "));
  });
}
