import type { Cluster } from "./cluster.ts";
import type { Example } from "./example.ts";
import type { Reporter } from "./reporter.ts";

/** A running Sovereign. */
export interface StorySovereign {
  name: string;
  namespace: string;
  fqdn: string;
  displayName: string;
  /** It runs on the second control plane. */
  onSpoke: boolean;
  /** URL of its voucher API on this machine, without a trailing slash. */
  url: string;
  /** The URL of the role that owns the tables. */
  databaseUrl: string;
  /** The URL of the role that serves. It is the same where the Sovereign names one role. */
  servingDatabaseUrl: string;
  /** The Sovereign's own HS256 secret. */
  jwtSecret: string;
  /** From its tiers. */
  plans: { id: string; priceBaisa: number }[];
}

/** A control plane as the story uses it. */
export interface StoryPlane {
  cluster: Cluster;
  /** Origin of the operator's health and metrics server, once it runs. */
  operatorOrigin: () => Promise<string>;
  /** URL on this machine of the Service `billing` of a namespace. */
  billingUrl(namespace: string): Promise<string>;
}

export interface SpokePlane extends StoryPlane {
  /** A kubeconfig of this control plane with a token of a user. */
  kubeconfigFor(user: string, token: string): string;
}

export interface StoryContext extends StoryPlane {
  reporter: Reporter;
  /** The second control plane of the topology `hub`. */
  spoke: SpokePlane | undefined;
  /** The manifests of docs/examples, in the order of their file names. */
  examples: Example[];
  sovereigns: StorySovereign[];
  /** Runs `catalyst reconcile-ledger` on a Sovereign's database and returns its last line. Throws when the ledger is wrong. */
  reconcileLedger(sovereign: StorySovereign): Promise<string>;
  signal: AbortSignal;
}
