import { join } from "node:path";
import { expect, it } from "vitest";
import { reconcileLedger } from "../../../src/cli/playground/ledger.ts";
import { urlHost } from "../../../src/platform/url-host.ts";
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
import { beginNextImage } from "./quickstart.ts";

const EXAMPLES = join(import.meta.dirname, "../../../docs/examples");
const OMANTEL = "50-sovereign-omantel.yaml";
/** docs/quickstart.md creates its own trust, release and first Sovereign, so these manifests are applied beside them. */
const APPLIED = ["40-franchise-omantel.yaml", OMANTEL, "60-environment-policy.yaml"];
const BLUEPRINTS = ["70-blueprint-signed.yaml", "71-blueprint-unsigned.yaml"];

const examplesOf = (files: readonly string[]): Example[] =>
  files.flatMap((file) => parseManifests(join(EXAMPLES, file)));

/** Tests a Franchisee's Sovereign beside that of the quickstart, with the chapters of the story. */
export function testSovereigns(bench: NodeBench): void {
  it("applies the manifests of docs/examples", async () => {
    const { kubectl } = bench.world;
    beginNextImage(bench);
    for (const file of APPLIED) await kubectl("apply", "--server-side", "--filename", join(EXAMPLES, file));
    // The node's registry requires a login.
    const pullSecrets = JSON.stringify({ spec: { billing: { imagePullSecrets: [{ name: "registry" }] } } });
    await kubectl("patch", "sovereign", "omantel", "--type=merge", "--patch", pullSecrets);
    bench.world.tenant.start();
  }, 60_000);

  it("makes the Franchisee's Sovereign Ready, with a database beside the node", async () => {
    const { world, sovereigns } = bench;
    const context = contextOf(world, sovereigns);
    const [manifest] = examplesOf([OMANTEL]).map((example) => example.manifest);
    if (manifest === undefined || !isSovereign(manifest)) throw new Error(`${OMANTEL} has no Sovereign`);
    // Before the Secrets that the operator waits for: without it, kubelet waits before it pulls the image again.
    await world.shell.run(
      `kubectl wait namespace/sovereign-omantel --for=create --timeout=60s
      kubectl --namespace sovereign-omantel create secret docker-registry registry --docker-server="$REGISTRY" \
        --docker-username="$REGISTRY_USER" --docker-password="$REGISTRY_PASSWORD"`,
    );
    const sovereign = await prepareSovereign(context, world.database, manifest, "");
    sovereigns.push(await readFirstSovereign(world), sovereign);
    await waitUntilReady(world, sovereign.name);
    sovereign.url = await billingUrl(world, sovereign.namespace);
    await runSovereignChapter(context, sovereign);
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

/** Reads the Sovereign of docs/quickstart.md. */
async function readFirstSovereign(world: World): Promise<StorySovereign> {
  const { kubectl } = world;
  const { metadata, spec } = JSON.parse(
    await kubectl("get", "sovereign", "catalyst-zero", "--output", "json"),
  );
  const namespace = `sovereign-${metadata.name}`;
  const secretOf = async (name: string, key: string) => {
    const secret = JSON.parse(await kubectl("-n", namespace, "get", "secret", name, "--output", "json"));
    return Buffer.from(secret.data[key], "base64").toString();
  };
  return {
    name: metadata.name,
    namespace,
    fqdn: spec.fqdn,
    displayName: spec.branding.displayName,
    onSpoke: false,
    url: await billingUrl(world, namespace),
    databaseUrl: await secretOf("billing-db-owner", "migrationUri"),
    servingDatabaseUrl: await secretOf("billing-db", "uri"),
    jwtSecret: await secretOf("billing-jwt", "secret"),
    plans: spec.tiers,
  };
}

export async function waitUntilReady({ kubectl }: World, name: string): Promise<void> {
  await kubectl("wait", `sovereign/${name}`, "--for=condition=Ready", "--timeout=180s");
}

/** The URL of the voucher API for a client in the cluster: the Service's address, through kube-proxy. */
async function billingUrl({ kubectl }: World, namespace: string): Promise<string> {
  const { spec } = JSON.parse(
    await kubectl("-n", namespace, "get", "service", "billing", "--output", "json"),
  );
  return `http://${urlHost(spec.clusterIP)}:${spec.ports[0].port}`;
}

/** The origin of the leader's metrics. */
async function operatorOrigin(world: World): Promise<string> {
  const { status } = await podOf(world, await leaderOf(world));
  return `http://${urlHost(status.podIP)}:8080`;
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

/** Adds the step's title to its error. */
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
