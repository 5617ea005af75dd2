import type { ObjectReference } from "./cluster.ts";
import type { StoryContext, StorySovereign } from "./context.ts";
import { expectThat } from "./expectation.ts";

const STRANGE_IMAGE = `registry.catalyst.example/catalyst@sha256:${"d".repeat(64)}`;

interface DeploymentImages {
  spec: { template: { spec: { containers: { name: string; image: string }[] } } };
}

/** A platform identity changes the live image, which admission lets through; the operator notices and mends it. */
export async function tellDriftChapter(context: StoryContext, sovereign: StorySovereign): Promise<void> {
  const { narrator, cluster } = context;
  const deployment: ObjectReference = { kind: "Deployment", name: "billing", namespace: sovereign.namespace };
  const self: ObjectReference = { kind: "Sovereign", name: sovereign.name };
  const imageOf = (object: unknown) =>
    (object as DeploymentImages).spec.template.spec.containers[0]?.image ?? "";
  const pinned = imageOf(await cluster.get(deployment));
  const before = await readDriftCounter(context);

  await narrator.step("A platform identity changes the live Deployment's image", async (observe) => {
    const noticed = cluster.waitForCondition(self, "InSync", "False");
    const patch = {
      spec: { template: { spec: { containers: [{ name: "billing", image: STRANGE_IMAGE }] } } },
    };
    const attempt = await cluster.asAdmin().strategicPatch(deployment, patch);
    expectThat(attempt.kind === "accepted", "a platform identity passes admission");
    observe(`deployment/billing: ${short(pinned)} → ${short(STRANGE_IMAGE)}`);
    const condition = await noticed;
    observe(`sovereign/${sovereign.name}: InSync=False, ${condition.reason}: ${condition.message}`);
  });

  await narrator.step("The operator puts the pinned digest back", async (observe) => {
    await cluster.waitUntil(deployment, "the pinned image is back", (object) => imageOf(object) === pinned);
    observe(`deployment/billing: ${short(pinned)}`);
  });

  await narrator.step("It says so: an event and a metric", async (observe) => {
    const event = await cluster.waitForEvent(self, "DriftCorrected");
    observe(`event ${event.reason}: ${event.message}`);
    const after = await readDriftCounter(context);
    expectThat(after > before, "catalyst_drift_corrected_total grew", after);
    observe(`catalyst_drift_corrected_total ${before} → ${after}`);
  });

  await narrator.step(`${sovereign.name} is verified and Ready again`, async (observe) => {
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

/** `catalyst@sha256:1a2b3c4d5e6f…` */
function short(image: string): string {
  return image.replace(/^.*\//, "").replace(/(sha256:.{12}).*/, "$1…");
}
