import type { LoadResult } from "../load.ts";
import { cpuSeconds, memoryMib } from "../process-figure.ts";
import type { LoadGenerator } from "./load-generator.ts";
import type { SentReview } from "./load-process-message.ts";
import { allowedReviews, deniedReviews, largeReview, signedReviews } from "./review.ts";
import { CACHED_ARTIFACTS, type Plan, type Scenario, SMALL_BYTES } from "./scenario.ts";
import type { AdmissionWorld } from "./world.ts";

export interface Measurement extends LoadResult {
  /** Processor time of the webhook's processes per review. */
  cpuMs: number;
  /** Processor time of the sending process per review. */
  generatorCpuMs: number;
  /** The memory of the webhook's largest process at the end. For large objects, its peak during the scenario. */
  peakMemoryMib: number;
  /** Requests to the registry per review, and the registry's own time for them. */
  registry: { requests: number; ms: number };
}

interface Server {
  pid: number;
  port: number;
}
interface Replica {
  pid: number;
  webhookPort: number;
}

/**
 * To read the memory, the kernel walks all pages of the process, which cannot map memory meanwhile. So it is read
 * during a scenario only if the scenario measures memory.
 */
const MEMORY_EVERY_MS = 50;
/** The time limit of a measurement that ends after a number of reviews. */
const COUNTED_MS = 60_000;
/** More reviews than any server can answer, so the time ends the measurement. */
const UNLIMITED = 10_000_000;

const isSmall = ({ review }: SentReview): boolean => JSON.stringify(review).length < SMALL_BYTES;

/**
 * Measures scenarios. All rounds share one meter, because it counts the artifacts that were used: a cold scenario needs new
 * ones each time.
 */
export function createMeter({
  plan,
  world,
  load,
}: {
  plan: Plan;
  world: AdmissionWorld;
  load: LoadGenerator;
}) {
  let nextArtifact = CACHED_ARTIFACTS;
  const cheap = [deniedReviews(plan.size), allowedReviews(plan.size)] as const;

  function reviewsOf({ reviews, maxCount = 0 }: Scenario): SentReview[] {
    const [denied, allowed] = cheap;
    if (reviews === "denied") return denied;
    if (reviews === "allowed") return allowed;
    if (reviews === "cheap") return [...denied, ...allowed];
    if (reviews === "small") return [...denied, ...allowed].filter(isSmall);
    if (reviews === "cached") return signedReviews(0, CACHED_ARTIFACTS);
    if (reviews === "large") return [largeReview()];
    nextArtifact += maxCount;
    return signedReviews(nextArtifact - maxCount, maxCount);
  }

  async function measure(
    scenario: Scenario,
    servers: readonly Server[],
    reviews: SentReview[],
    maxMs = plan.measureMs,
  ): Promise<Measurement> {
    const clients = await load.connect(
      servers.map(({ port }) => port),
      scenario.clients,
      reviews,
    );
    const spentSeconds = () => servers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
    let peakMemoryMib = 0;
    const readMemory = () => {
      peakMemoryMib = Math.max(peakMemoryMib, ...servers.map(({ pid }) => memoryMib(pid)));
    };
    const watch = scenario.reviews === "large" ? setInterval(readMemory, MEMORY_EVERY_MS) : undefined;
    try {
      if (scenario.reviews === "cached")
        await clients.run({ maxMs: COUNTED_MS, maxCount: reviews.length, first: 0 });
      const registryBefore = await world.registry.ask();
      const [cpuBefore, generatorBefore] = [spentSeconds(), load.cpuSeconds()];
      const result = await clients.run({
        maxMs: scenario.maxCount === undefined ? maxMs : COUNTED_MS,
        maxCount: scenario.maxCount ?? UNLIMITED,
        first: 0,
        perSecond: scenario.perSecond,
      });
      const [cpuAfter, generatorAfter] = [spentSeconds(), load.cpuSeconds()];
      const registryAfter = await world.registry.ask();
      readMemory();
      const perReview = (name: string) =>
        ((registryAfter[name] ?? 0) - (registryBefore[name] ?? 0)) / result.count;
      return {
        ...result,
        cpuMs: ((cpuAfter - cpuBefore) * 1_000) / result.count,
        generatorCpuMs: ((generatorAfter - generatorBefore) * 1_000) / result.count,
        peakMemoryMib,
        registry: { requests: perReview("requests"), ms: perReview("spentMs") },
      };
    } finally {
      clearInterval(watch);
      await clients.close();
    }
  }

  return {
    webhook: (scenario: Scenario, replicas: readonly Replica[], maxMs?: number) =>
      measure(
        scenario,
        replicas.map(({ pid, webhookPort }) => ({ pid, port: webhookPort })),
        reviewsOf(scenario),
        maxMs,
      ),
    /** Measures the bare server, which allows everything. */
    floor: (scenario: Scenario, server: Server) =>
      measure(
        scenario,
        [server],
        reviewsOf(scenario).map((review) => ({ ...review, isAllowed: true })),
      ),
  };
}
