import { errorMessage } from "../../src/platform/errors.ts";

/** Sent instead of an answer. The process that asked throws the problem. */
export interface Failure {
  kind: "failed";
  problem: string;
}

/** Answers the messages of the parent process, and ends with it. */
export function answerMessages<Request>(answer: (request: Request) => Promise<object>): void {
  process.on("message", async (message: Request) => {
    try {
      process.send?.(await answer(message));
    } catch (error) {
      process.send?.({ kind: "failed", problem: errorMessage(error) } satisfies Failure);
    }
  });
  process.on("disconnect", () => process.exit());
  process.send?.({});
}
