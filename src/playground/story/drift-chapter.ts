import type { ObjectReference } from "./cluster-object.ts";
import type { StoryContext, StorySovereign } from "./context.ts";
import { expectThat } from "./expectation.ts";

const OTHER_IMAGE = `registry.catalyst.example/catalyst@sha256:${"d".repeat(64)}`;

interface DeploymentImages {
  spec: { template: { spec: { containers: { name: string; image: string }[] } } };
}

/** A platform identity changes the live image, which admission allows. The operator detects the change and reverts it. */
export async function runDriftChapter(context: StoryContext, sovereign: StorySovereign): Promise<void> {
  const { reporter, cluster } = context;
  const deployment: ObjectReference = { kind: "Deployment", name: "billing", namespace: sovereign.namespace };
  const self: ObjectReference = { kind: "Sovereign", name: sovereign.name };
  const imageOf = (object: unknown) =>
    (object as DeploymentImages).spec.template.spec.containers[0]?.image ?? "";
  const pinned = imageOf(await cluster.get(deployment));
  const before = await readDriftCounter(context);

  await reporter.step("A platform identity changes the image of the live Deployment", async (observe) => {
    const { metadata } = await cluster.mustGet(self);
    const patch = {
      spec: { template: { spec: { containers: [{ name: "billing", image: OTHER_IMAGE }] } } },
    };
    const result = await cluster.asAdmin().strategicPatch(deployment, patch);
    expectThat(result.kind === "accepted", "admission allows a platform identity to change the Deployment");
    observe(`deployment/billing: ${withoutHost(pinned)} → ${withoutHost(OTHER_IMAGE)}`);
    // The condition is False only until the operator has reverted the change, which may take milliseconds.
    const condition = await cluster.waitForConditionAfter(
      metadata.resourceVersion ?? "",
      self,
      "InSync",
      "False",
    );
    observe(`sovereign/${sovereign.name}: InSync=False, ${condition.reason}: ${condition.message}`);
  });

  await reporter.step("The operator restores the pinned digest", async (observe) => {
    await cluster.waitUntil(deployment, "has the pinned image", (object) => imageOf(object) === pinned);
    observe(`deployment/billing: ${withoutHost(pinned)}`);
  });

  await reporter.step("The operator reports the drift in an event and a metric", async (observe) => {
    const event = await cluster.waitForEvent(self, "DriftCorrected");
    observe(`event ${event.reason}: ${event.message}`);
    const after = await readDriftCounter(context);
    expectThat(after > before, `catalyst_drift_corrected_total is above ${before}`, after);
    observe(`catalyst_drift_corrected_total ${before} → ${after}`);
  });

  await reporter.step(`${sovereign.name} is verified and Ready again`, async (observe) => {
    await cluster.waitForCondition(self, "InSync", "True");
    const condition = await cluster.waitForCondition(self, "Ready", "True");
    observe(`sovereign/${sovereign.name}: Ready=True, ${condition.message}`);
  });
}

/** The sum of the counter over its labels. */
async function readDriftCounter(context: StoryContext): Promise<number> {
  const response = await fetch(`${await context.operatorOrigin()}/metrics`, { signal: context.signal });
  const text = await response.text();
  return [...text.matchAll(/^catalyst_drift_corrected_total(?:\{[^}]*\})? (\d+)/gm)].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );
}

const withoutHost = (image: string) => image.replace(/^.*\//, "");
