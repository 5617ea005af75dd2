import type { LoadResult } from "../load.ts";

/** A review that clients send, and the answer that they expect. */
export interface SentReview {
  /** Used in error messages. */
  name: string;
  isAllowed: boolean;
  /** Whether the webhook may answer 503 instead, because the review took too long. */
  mayTimeOut?: boolean;
  review: object;
}

export type LoadRequest =
  /**
   * Opens a TLS connection for every client, evenly over the ports, and reads the reviews from a file. The clients send
   * them in turn.
   */
  | { kind: "open"; ports: readonly number[]; path: string; clients: number; file: string }
  | {
      kind: "run";
      /** `first` is the number of the first review. */
      load: { maxMs: number; maxCount: number; perSecond?: number | undefined; first: number };
    }
  | { kind: "close" };

export type LoadAnswer = { kind: "ready" } | { kind: "measured"; result: LoadResult };
