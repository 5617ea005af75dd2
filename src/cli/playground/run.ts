import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { errorMessage, UsageError } from "../../platform/errors.ts";
import { createLogger } from "../../platform/log.ts";
import { sleep } from "../../platform/shutdown.ts";
import { blueprintArtifact, imageReference } from "../../playground/image.ts";
import { type Playground, startPlayground } from "../../playground/playground.ts";
import { signArtifact, signatureTag } from "../../playground/registry/signature.ts";
import { createApiConnection } from "../../playground/story/api-connection.ts";
import { createCluster } from "../../playground/story/cluster.ts";
import type { StoryContext, StorySovereign } from "../../playground/story/context.ts";
import type { Example } from "../../playground/story/example.ts";
import { signIn } from "../../playground/story/person.ts";
import { createReporter } from "../../playground/story/reporter.ts";
import { runStory } from "../../playground/story/story.ts";
import { printSummary } from "../../playground/story/summary.ts";
import { type CommandContext, EXIT, type ExitCode } from "../command.ts";
import { DEFAULT_PORT } from "../playground.ts";
import { operatorImage, readExamplesOrRefuse } from "./example.ts";
import { reconcileLedger } from "./ledger.ts";
import { outputClosed } from "./output.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FRANCHISEE = "omantel-admin";
/** Six processes share one machine: a small young generation costs little time and saves some 30 MiB in each. */
const SMALL_HEAP = ["--max-semi-space-size=1", "--max-old-space-size=192"];
/** Tokens in sovereigns.json live fifteen minutes; a reader finds them good for ten. */
const TOKEN_REFRESH_MS = 5 * 60_000;

interface Settings {
  once: boolean;
  controlPlane: "embedded" | "real";
  stateDirectory: string;
  port: number;
  examples: string;
}

function readSettings(args: string[]): Settings {
  const { values } = parse(args);
  const kind = values["control-plane"];
  if (kind !== "embedded" && kind !== "real")
    throw new UsageError(`--control-plane is embedded or real, not ${kind}`);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_000)
    throw new UsageError("--port must be a whole number from 1 to 65000");
  return {
    once: values.once,
    controlPlane: kind,
    stateDirectory: values["state-dir"],
    port,
    examples: values.examples,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        once: { type: "boolean", default: false },
        "control-plane": { type: "string", default: "embedded" },
        "state-dir": { type: "string", default: ".playground" },
        port: { type: "string", default: String(DEFAULT_PORT) },
        examples: { type: "string", default: join(ROOT, "docs/examples") },
      },
    });
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/** `catalyst playground`: starts the playground, runs the story, and keeps running until it is stopped. */
export async function run({ args, env, signal: shutdown, stdout }: CommandContext): Promise<ExitCode> {
  const settings = readSettings(args);
  const examples = readExamplesOrRefuse(settings.examples, FRANCHISEE);
  const signal = AbortSignal.any([shutdown, outputClosed(stdout)]);
  // With --once a stopped story is a failure: it did not run to its end.
  const whenStopped = settings.once ? EXIT.checkFailed : EXIT.done;
  const reporter = createReporter(stdout, { noColor: Boolean(env.NO_COLOR), signal });
  const startedAt = performance.now();
  const entrypoint = [process.execPath, ...SMALL_HEAP, join(ROOT, "src/cli/main.ts")] as const;
  const baseEnv = Object.fromEntries(
    ["PATH", "TZ"].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
  const starting = startPlayground({
    ...settings,
    kubebuilderAssets: env.KUBEBUILDER_ASSETS || undefined,
    entrypoint: [...entrypoint],
    baseEnv,
    logger: createLogger("playground", env.LOG_LEVEL || "error"),
    now: () => new Date(),
    signal,
    onStart() {
      reporter.line();
      reporter.line(" Catalyst playground: a franchise on one machine");
    },
  });
  const playground = await unlessStopped(starting, signal);
  if (playground === undefined) {
    reporter.line("  stopped before the first step");
    return whenStopped;
  }
  let removeState = false;
  let connection: ReturnType<typeof createApiConnection> | undefined;
  try {
    publishArtifacts(playground, examples);
    connection = createApiConnection(playground.kubeconfigPath);
    const context: StoryContext = {
      reporter,
      cluster: createCluster(connection, signal),
      examples,
      sovereigns: [],
      operatorOrigin: async () => operatorOrigin(playground),
      reconcileLedger: ({ databaseUrl }) => reconcileLedger(databaseUrl, signal),
      signal,
    };
    const environment = {
      ensureDatabase: (name: string) => playground.database.ensureDatabase(name),
      urlOf: (namespace: string) =>
        playground.runner.proxy.urlOf(namespace, { "app.kubernetes.io/name": "billing" }, 8085),
    };
    const story = runStory(context, environment, {
      crdFolder: join(ROOT, "crds"),
      franchisee: FRANCHISEE,
      operator: {
        image: operatorImage(examples),
        registryMirrors: playground.registryMirrors,
        manifestFolder: join(ROOT, "charts/catalyst-operator/files"),
        policyFolder: join(ROOT, "policies/native"),
      },
    });
    await story;
    removeState = true;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    reporter.line();
    reporter.line(`  ${reporter.count().passed} steps passed, 0 failed, in ${seconds} s`);
    await writeSovereigns(playground, context.sovereigns);
    printSummary(reporter, {
      sovereigns: context.sovereigns,
      kubeconfigPath: playground.kubeconfigPath,
      sovereignsPath: playground.state.file("sovereigns.json"),
      apiServerUrl: playground.controlPlane.url,
      keepsRunning: !settings.once,
    });
    if (!settings.once) {
      reporter.line();
      reporter.line("  Ctrl-C stops the playground and removes everything that it created.");
      await keepRunning(playground, context.sovereigns, signal);
    }
    return EXIT.done;
  } catch (error) {
    const { passed, failed } = reporter.count();
    reporter.line();
    if (signal.aborted) {
      removeState = true;
      reporter.line(`  ${passed} steps passed; stopped before the end of the story`);
      return whenStopped;
    }
    reporter.line(`  ${passed} steps passed, ${failed} failed; logs are in ${playground.state.file("logs")}`);
    if (failed === 0) reporter.line(`  ${errorMessage(error)}`);
    return EXIT.checkFailed;
  } finally {
    await connection?.close();
    await playground.close(removeState);
  }
}

/** Undefined when it failed because the signal fired. */
async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Pushes the artifacts that the examples name, and signs those that are meant to be signed, with the demonstration key. */
function publishArtifacts({ registry }: Playground, examples: Example[]): void {
  const key = readFileSync(join(ROOT, "docs/examples/keys/omantel-demo.key"), "utf8");
  for (const { file, manifest } of examples) {
    if (manifest.kind !== "Blueprint") continue;
    const { version } = (manifest as unknown as { spec: { version: string } }).spec;
    const artifact = blueprintArtifact(manifest.metadata.name, version);
    registry.push(artifact, version);
    if (file.endsWith("-signed.yaml"))
      registry.push(signArtifact(artifact, imageReference(artifact), key), signatureTag(artifact.digest));
  }
}

function operatorOrigin({ runner }: Playground): string {
  const address = runner.podAddress("catalyst-system", "catalyst-operator");
  if (address === undefined) throw new Error("no Pod of the operator runs");
  return `http://${address}:8080`;
}

async function writeSovereigns({ state }: Playground, sovereigns: StorySovereign[]): Promise<void> {
  const rows = await Promise.all(
    sovereigns.map(async ({ name, fqdn, url, databaseUrl, jwtSecret }) => ({
      name,
      fqdn,
      url,
      databaseUrl,
      adminToken: await signIn(
        { id: "playground-admin", email: "admin@playground.example", role: "superadmin" },
        jwtSecret,
      ),
      customerToken: await signIn(
        { id: "playground-customer", email: "customer@playground.example", role: "customer" },
        jwtSecret,
      ),
    })),
  );
  const partial = state.file("sovereigns.json.partial");
  writeFileSync(partial, `${JSON.stringify(rows, null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, state.file("sovereigns.json"));
}

async function keepRunning(
  playground: Playground,
  sovereigns: StorySovereign[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(TOKEN_REFRESH_MS, signal);
    if (!signal.aborted) await writeSovereigns(playground, sovereigns);
  }
}
