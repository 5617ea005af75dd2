import { writeFileSync } from "node:fs";
import { admissionPath } from "../../../src/admission/routes.ts";
import { startHelper } from "../helper-process.ts";
import type { LoadResult } from "../load.ts";
import { cpuSeconds } from "../process-figure.ts";
import type { LoadAnswer, LoadRequest, SentReview } from "./load-process-message.ts";

/** Open connections to the replicas of one webhook. */
interface Clients {
  /** Sends reviews. `first` is the number of the first one. */
  run(load: {
    maxMs: number;
    maxCount: number;
    perSecond?: number | undefined;
    first: number;
  }): Promise<LoadResult>;
  close(): Promise<void>;
}

export interface LoadGenerator {
  connect(ports: readonly number[], clients: number, reviews: readonly SentReview[]): Promise<Clients>;
  cpuSeconds(): number;
  close(): Promise<void>;
}

/** Starts the process that sends reviews. It has one set of clients at a time. */
export async function startLoadGenerator(file: string): Promise<LoadGenerator> {
  const helper = await startHelper("admission/load-process.ts");
  const ask = (request: LoadRequest) => helper.ask<LoadAnswer>(request);
  return {
    async connect(ports, clients, reviews) {
      writeFileSync(file, JSON.stringify(reviews));
      await ask({ kind: "open", ports, path: admissionPath(), clients, file });
      return {
        async run(load) {
          const answer = await ask({ kind: "run", load });
          if (answer.kind !== "measured") throw new Error(`the load generator answered ${answer.kind}`);
          return answer.result;
        },
        close: async () => void (await ask({ kind: "close" })),
      };
    },
    cpuSeconds: () => cpuSeconds(helper.pid),
    close: () => helper.close(),
  };
}
