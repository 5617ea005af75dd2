import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { BillingRelease } from "../../src/api/billing-release.ts";
import { findCondition } from "../../src/api/condition.ts";
import type { Sovereign, SovereignSpec } from "../../src/api/sovereign.ts";
import { command } from "../../src/cli/rollout.ts";
import { IMAGE, NEXT_IMAGE, release, sovereign } from "../support/builder/catalyst-object.ts";
import { runHere } from "../support/process/command.ts";
import { RELEASES, SOVEREIGNS, useOperatorBench } from "../support/process/operator-bench.ts";
import { until } from "../support/wait.ts";

const PILOT = ["muscat", "nizwa"];
const GULF = ["ajman", "doha", "dubai", "kuwait", "manama", "riyadh"];
const OTHERS = [
  "amman",
  "berlin",
  "cairo",
  "delhi",
  "geneva",
  "lagos",
  "lima",
  "oslo",
  "paris",
  "rome",
  "tokyo",
];
const ROLLOUT = {
  maxUnavailable: 4,
  backwardCompatible: true,
  stages: [
    { name: "pilot", sovereigns: PILOT, approval: false },
    { name: "gulf", selector: { matchLabels: { region: "gulf" } }, maxUnavailable: 2, approval: true },
  ],
};
const HOLD = { reason: "moves to another data centre", until: "2999-01-01T00:00:00Z" };

const bench = useOperatorBench();
const folder = mkdtempSync(join(tmpdir(), "rollout-page-"));
/** Phase and stage of the release, each time that one of them changes. */
const history: string[] = [];
const page: string[] = [];

/** Times differ from run to run. */
const timeless = (shown: string) => shown.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>");

async function catalyst(...args: string[]): Promise<void> {
  const { stdout } = await runHere(command, args, { KUBECONFIG: join(folder, "kubeconfig") });
  page.push("", "```", `$ catalyst rollout ${args.join(" ")}`, timeless(stdout).trimEnd(), "```");
}

const readRelease = async () =>
  (await bench.client().get<BillingRelease>(RELEASES, { name: "stable" }))?.status;
const awaitStatus = (isMet: (status: NonNullable<BillingRelease["status"]>) => boolean) =>
  until(
    async () => {
      const status = await readRelease();
      return status !== undefined && isMet(status) ? status : undefined;
    },
    async () => JSON.stringify(await readRelease(), undefined, 1),
    90_000,
  );
const create = (name: string, labels: Record<string, string> = {}, spec: Partial<SovereignSpec> = {}) => {
  const own = sovereign(name, spec);
  return bench.client().create<Sovereign>(SOVEREIGNS, { ...own, metadata: { name, labels } } as Sovereign);
};
const imagesOf = () =>
  bench
    .caches()
    .sovereigns.list()
    .map(({ status }) => status?.pinnedImage);

beforeAll(async () => {
  writeFileSync(join(folder, "kubeconfig"), bench.kubeconfig());
  const first = release({ maxUnavailable: 20 });
  await bench
    .client()
    .create<BillingRelease>(RELEASES, { ...first, spec: { ...first.spec, image: IMAGE, version: "1.0.0" } });
  bench.startControllers();
  await create("zero", {}, { role: "CatalystZero" });
  for (const name of PILOT) await create(name);
  for (const name of GULF) await create(name, { region: "gulf" });
  for (const name of OTHERS) await create(name);
  await awaitStatus(({ phase, verified }) => phase === "Complete" && verified === 20);
  bench.caches().releases.onChange(({ object: { status } }) => {
    const line = [status?.phase, status?.rollout?.stage]
      .filter((part) => part !== undefined)
      .join(", stage ");
    if (history.at(-1) !== line) history.push(line);
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("docs/rollout-example.md", () => {
  it("shows how a fleet of 20 stops a bad release, and the output that people see", async () => {
    const held = { billing: { ...sovereign("lima").spec.billing, hold: HOLD } };
    await bench.client().mergePatch(SOVEREIGNS, { name: "lima" }, { spec: held });
    // The fault of this example: only in Doha, the new image returns another API fingerprint.
    bench.simulation().shapes.set(`sovereign-doha ${NEXT_IMAGE}`, `sha256:${"f".repeat(64)}`);
    const spec = { image: NEXT_IMAGE, version: "2.0.0", rollout: ROLLOUT };
    await bench.client().mergePatch(RELEASES, { name: "stable" }, { spec });

    page.push(
      "<!-- A run of test/conformance/rollout-page.test.ts. Write it again with: npx vitest run --project conformance test/conformance/rollout-page.test.ts --update -->",
      "",
      "# A fleet of 20 takes a bad release",
      "",
      "A run on the embedded API server with the operator's own controllers and simulated Pods. [Rollouts](rollouts.md) explains the rules.",
      "",
      "The release takes a new digest and has these stages. `lima` has a hold.",
      "",
      "```yaml",
      stringify({ spec: { version: "2.0.0", rollout: ROLLOUT } }).trimEnd(),
      "```",
      "",
      "Catalyst-Zero and the pilot take the release. Then the stage `gulf` waits for a person.",
    );
    await awaitStatus(
      ({ phase, rollout }) => phase === "WaitingForApproval" && rollout?.image === NEXT_IMAGE,
    );
    await catalyst("status", "stable");
    await catalyst("approve", "stable", "gulf");

    page.push(
      "",
      "Doha answers with another API than the reference. The rollout halts. Because the migrations are backward compatible, all go back to the previous image. No Sovereign of `others` has seen the release. On the way back, the table counts who is verified on the previous image.",
    );
    await awaitStatus(({ phase }) => phase === "Halted");
    await until(
      () => imagesOf().every((image) => image === IMAGE),
      async () => JSON.stringify(imagesOf()),
      60_000,
    );
    await awaitStatus(({ rollout }) => rollout?.stages.every(({ updating }) => updating === 0) === true);
    const { rollout } = await awaitStatus(({ failed }) => failed === 0);
    expect(rollout?.halt).toMatchObject({ number: 1, reason: "ShapeDiffers", returns: true });
    expect(rollout?.halt?.message).toContain("Sovereign doha failed on this release");
    await catalyst("status", "stable");

    page.push(
      "",
      "A person corrects the cause in Doha, and resumes. The approval of this digest still counts.",
    );
    bench.simulation().shapes.clear();
    await catalyst("resume", "stable");
    const done = await awaitStatus(({ phase }) => phase === "Complete");
    expect(findCondition(done.conditions, "Ready")?.status).toBe("True");
    await catalyst("status", "stable");

    page.push("", "The phases, as Events on the BillingRelease have them too:", "");
    page.push(...history.map((line, index) => `${index + 1}. ${line}`));
    await expect(`${page.join("\n")}\n`).toMatchFileSnapshot("../../docs/rollout-example.md");
    const reasons = (await bench.events("stable")).map(({ reason }) => reason);
    expect(reasons).toEqual(
      expect.arrayContaining([
        "RolloutStarted",
        "StageApproved",
        "RolloutHalted",
        "ResumeRequested",
        "RolloutComplete",
      ]),
    );
  }, 240_000);
});
