import type { Cluster } from "./cluster.ts";
import type { Example } from "./example.ts";
import type { Narrator } from "./narrator.ts";

/** A Sovereign as the story knows it once it runs. */
export interface StorySovereign {
  name: string;
  namespace: string;
  fqdn: string;
  displayName: string;
  /** Where its voucher API answers on this machine, no trailing slash. */
  url: string;
  databaseUrl: string;
  /** The Sovereign's own HS256 secret. */
  jwtSecret: string;
  /** What its tiers offer. */
  plans: { id: string; priceBaisa: number }[];
}

export interface StoryContext {
  narrator: Narrator;
  cluster: Cluster;
  /** The manifests of docs/examples, in the order of their file names. */
  examples: Example[];
  sovereigns: StorySovereign[];
  /** Origin of the operator's health and metrics server, once it runs. */
  operatorOrigin: () => Promise<string>;
  /** Runs `catalyst reconcile-ledger` on a Sovereign's database; its last line. Throws when the books disagree. */
  reconcileLedger(sovereign: StorySovereign): Promise<string>;
  signal: AbortSignal;
}
