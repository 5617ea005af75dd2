import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { reconcileLedger } from "../../../src/cli/playground/ledger.ts";
import type { StoryContext, StorySovereign } from "../../../src/playground/story/context.ts";
import { runDriftChapter } from "../../../src/playground/story/drift-chapter.ts";
import { type Example, parseManifests } from "../../../src/playground/story/example.ts";
import { runFranchiseeChapter } from "../../../src/playground/story/franchisee-chapter.ts";
import type { Reporter } from "../../../src/playground/story/reporter.ts";
import { runSovereignChapter } from "../../../src/playground/story/sovereign-chapter.ts";
import { isSovereign, prepareSovereign } from "../../../src/playground/story/story.ts";
import { runVoucherChapter } from "../../../src/playground/story/voucher-chapter.ts";
import type { World } from "../support/world.ts";
import type { NodeBench } from "../support/world-hook.ts";
import { leaderOf, podOf } from "./leader.ts";

const EXAMPLES = join(import.meta.dirname, "../../../docs/examples");
const APPLIED = [
  "10-trust.yaml",
  "20-billing-release.yaml",
  "30-sovereign-catalyst-zero.yaml",
  "40-franchise-omantel.yaml",
  "50-sovereign-omantel.yaml",
  "60-environment-policy.yaml",
];
const BLUEPRINTS = ["70-blueprint-signed.yaml", "71-blueprint-unsigned.yaml"];

/** A file of the examples, with another image in the BillingRelease. */
const exampleText = (file: string, image: string): string =>
  readFileSync(join(EXAMPLES, file), "utf8").replace(
    /registry\.catalyst\.example\/catalyst@sha256:[0-9a-f]{64}/,
    image,
  );

const examplesOf = (files: readonly string[]): Example[] =>
  files.flatMap((file) => parseManifests(join(EXAMPLES, file)));

/** The examples become two Sovereigns, one after the other as the story tells it. */
export function testSovereigns(bench: NodeBench): void {
  it("applies the manifests of docs/examples", async () => {
    const { kubectl, images, writeFile } = bench.world;
    for (const file of APPLIED)
      await kubectl("apply", "--server-side", "--filename", writeFile(file, exampleText(file, images[0])));
    bench.world.tenant.start();
  }, 60_000);

  it("makes both Sovereigns Ready, with databases beside the node", async () => {
    const { world, sovereigns } = bench;
    const context = contextOf(world, sovereigns);
    for (const manifest of examplesOf(APPLIED)
      .map((example) => example.manifest)
      .filter(isSovereign))
      sovereigns.push(await prepareSovereign(context, world.database, manifest, ""));
    for (const sovereign of sovereigns) {
      await waitUntilReady(world, sovereign.name);
      sovereign.url = await billingUrl(world, sovereign.namespace);
      await runSovereignChapter(context, sovereign);
    }
  }, 360_000);

  it("sells a voucher from its issue to an Organization", async () => {
    const context = contextOf(bench.world, bench.sovereigns);
    await runVoucherChapter(context, omantel(bench));
  }, 120_000);

  it("refuses what the Franchisee may not do, and verifies the signature that cosign made", async () => {
    const context = contextOf(bench.world, bench.sovereigns);
    await runFranchiseeChapter(context, omantel(bench));
  }, 120_000);

  it("reverts the platform's change of a live Deployment", async () => {
    const context = contextOf(bench.world, bench.sovereigns);
    await waitUntilReady(bench.world, "omantel");
    await runDriftChapter(context, omantel(bench));
  }, 120_000);
}

export const omantel = ({ sovereigns }: NodeBench): StorySovereign => {
  const found = sovereigns.find(({ name }) => name === "omantel");
  expect(found, "omantel is Ready").toBeDefined();
  return found as StorySovereign;
};

export async function waitUntilReady({ kubectl }: World, name: string): Promise<void> {
  await kubectl("wait", `sovereign/${name}`, "--for=condition=Ready", "--timeout=180s");
}

/** The voucher API as a client in the cluster calls it: by the Service's address, through kube-proxy. */
async function billingUrl({ kubectl }: World, namespace: string): Promise<string> {
  const { spec } = JSON.parse(
    await kubectl("-n", namespace, "get", "service", "billing", "--output", "json"),
  );
  return `http://${spec.clusterIP}:${spec.ports[0].port}`;
}

/** Origin of the metrics of the Pod that leads. */
async function operatorOrigin(world: World): Promise<string> {
  const { status } = await podOf(world, await leaderOf(world));
  return `http://${status.podIP}:8080`;
}

function contextOf(world: World, sovereigns: StorySovereign[]): StoryContext {
  const signal = new AbortController().signal;
  return {
    cluster: world.cluster,
    operatorOrigin: () => operatorOrigin(world),
    billingUrl: (namespace) => billingUrl(world, namespace),
    reporter: REPORTER,
    spoke: undefined,
    examples: examplesOf(BLUEPRINTS),
    sovereigns,
    reconcileLedger: ({ databaseUrl }) => reconcileLedger(databaseUrl, signal),
    signal,
  };
}

/** Names the step in the error of one that fails. */
const REPORTER: Reporter = {
  chapter: () => {},
  async step(title, action) {
    try {
      return await action(() => {});
    } catch (error) {
      throw new Error(title, { cause: error });
    }
  },
  during: (_title, work) => work,
  line: () => {},
  count: () => ({ passed: 0, failed: 0 }),
};
