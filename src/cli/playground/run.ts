import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createEnvReader } from "../../platform/env.ts";
import { errorMessage } from "../../platform/errors.ts";
import { createLogger, LOG_LEVELS } from "../../platform/log.ts";
import { type Playground, startPlayground, type Topology } from "../../playground/playground.ts";
import { publishArtifacts } from "../../playground/story/artifact.ts";
import type { StoryContext } from "../../playground/story/context.ts";
import type { Example } from "../../playground/story/example.ts";
import { createReporter, type Reporter } from "../../playground/story/reporter.ts";
import { withSignIn } from "../../playground/story/sign-in.ts";
import { keepTokensFresh, writeSovereignFile } from "../../playground/story/sovereign-file.ts";
import { withOwnCluster } from "../../playground/story/spoke.ts";
import { runStory, type StoryEnd, type StoryEnvironment } from "../../playground/story/story.ts";
import { printSummary } from "../../playground/story/summary.ts";
import { type CommandContext, EXIT, type ExitCode } from "../command.ts";
import { outputClosed } from "./closed-output.ts";
import { operatorImage, readExamplesOrRefuse } from "./example.ts";
import { reconcileLedger } from "./ledger.ts";
import { connectPlanes, type Planes } from "./plane.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FRANCHISEE = "omantel-admin";
/** Six processes share one machine. A small young generation costs little time and saves about 30 MiB in each. */
const SMALL_HEAP = ["--max-semi-space-size=1", "--max-old-space-size=192"];

/** The parsed flags of `catalyst playground`. */
export interface PlaygroundSettings {
  once: boolean;
  controlPlane: "embedded" | "real";
  topology: Topology;
  stateDirectory: string;
  port: number;
  examples: string;
  verbose: boolean;
}

/** `catalyst playground`: starts the playground, runs the story, and keeps running until it is stopped. */
export async function run(
  { env, signal: shutdown, stdout }: CommandContext,
  settings: PlaygroundSettings,
): Promise<ExitCode> {
  const given = readExamplesOrRefuse(settings.examples, FRANCHISEE);
  const examples = settings.topology === "hub" ? withOwnCluster(given) : given;
  const signal = AbortSignal.any([shutdown, outputClosed(stdout)]);
  // With --once, a stopped story is a failure, because it did not run to its end.
  const whenStopped = settings.once ? EXIT.checkFailed : EXIT.done;
  const reporter = createReporter(stdout, {
    verbose: settings.verbose,
    noColor: Boolean(env.NO_COLOR),
    signal,
  });
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
    logger: createLogger("playground", createEnvReader(env).oneOf("LOG_LEVEL", LOG_LEVELS, "error")),
    now: () => new Date(),
    signal,
    onStart() {
      reporter.line();
      reporter.line(" Catalyst playground: a franchise on one machine");
    },
  });
  const playground = await unlessStopped(
    reporter.during("The API server, PostgreSQL and the registry start", starting),
    signal,
  );
  if (playground === undefined) {
    reporter.line("  stopped before the first step");
    return whenStopped;
  }
  const { spoke } = playground;
  const planes = connectPlanes(playground, signal);
  let removeState = false;
  try {
    const context = createContext({
      planes,
      reporter,
      examples: examples.map((example) => withSignIn(example, playground.issuer)),
      signal,
    });
    const end = await runStoryOn(playground, context);
    removeState = true;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    reporter.line();
    reporter.line(`  ${reporter.count().passed} steps passed, 0 failed, in ${seconds} s`);
    printSummary(reporter, {
      sovereigns: context.sovereigns,
      end,
      kubeconfigPath: playground.kubeconfigPath,
      spoke: spoke && { kubeconfigPath: spoke.kubeconfigPath, apiServerUrl: spoke.controlPlane.url },
      sovereignsPath: await writeSovereignFile(playground.state, context.sovereigns),
      apiServerUrl: playground.controlPlane.url,
      keepsRunning: !settings.once,
    });
    if (!settings.once) {
      reporter.line();
      reporter.line("  Ctrl-C stops the playground and removes everything that it created.");
      await keepTokensFresh(playground.state, context.sovereigns, signal);
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
    const logs = [playground, spoke].flatMap((cluster) => cluster?.logFolder ?? []).join(" and ");
    reporter.line(`  ${passed} steps passed, ${failed} failed; logs are in ${logs}`);
    if (failed === 0) reporter.line(`  ${errorMessage(error)}`);
    return EXIT.checkFailed;
  } finally {
    await planes.close();
    await playground.close(removeState);
  }
}

function createContext(parts: {
  planes: Planes;
  reporter: Reporter;
  examples: Example[];
  signal: AbortSignal;
}): StoryContext {
  const { planes, signal, ...rest } = parts;
  return {
    ...rest,
    ...planes.hub,
    spoke: planes.spoke,
    sovereigns: [],
    reconcileLedger: ({ databaseUrl }) => reconcileLedger(databaseUrl, signal),
    signal,
  };
}

/** Runs the story with this checkout's CRDs, chart, policies and examples. */
async function runStoryOn(playground: Playground, context: StoryContext): Promise<StoryEnd> {
  const { examples } = context;
  const key = readFileSync(join(ROOT, "docs/examples/keys/omantel-demo.key"), "utf8");
  publishArtifacts(playground.registry, examples, key);
  const environment: StoryEnvironment = {
    ensureDatabase: (name) => playground.database.ensureDatabase(name),
    ensureServingRole: (name) => playground.database.ensureServingRole(name),
  };
  return runStory(context, environment, {
    crdFolder: join(ROOT, "crds"),
    franchisee: FRANCHISEE,
    hubAccessFolder: join(ROOT, "charts/catalyst-operator/hub"),
    operator: {
      image: operatorImage(examples),
      registryMirrors: playground.registryMirrors,
      manifestFolder: join(ROOT, "charts/catalyst-operator/files"),
      policyFolder: join(ROOT, "policies/native"),
    },
  });
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
