import type { LoadResult } from "../load.ts";

/** A review that clients send, and the answer that it must get. */
export interface SentReview {
  /** For messages. */
  name: string;
  isAllowed: boolean;
  /** Whether the webhook may answer 503 instead, because the review took too long. */
  mayTimeOut?: boolean;
  review: object;
}

export type LoadRequest =
  /**
   * Shakes hands for every client, and reads the reviews from a file, which clients then send in turn. Clients are spread evenly
   * over the ports.
   */
  | { kind: "open"; ports: readonly number[]; path: string; clients: number; file: string }
  | {
      kind: "run";
      /** `first` is the number of the review with which the run begins. */
      load: { maxMs: number; maxCount: number; perSecond?: number | undefined; first: number };
    }
  | { kind: "close" };

export type LoadAnswer = { kind: "ready" } | { kind: "measured"; result: LoadResult };
