import type { Applier } from "../../kube/apply.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Logger } from "../../platform/log.ts";
import type { SovereignCaches } from "./cache.ts";
import type { SmokeTest } from "./evidence.ts";
import type { Drift } from "./step/drift.ts";

/** What the Sovereign controller is given by the command that wires it. */
export interface SovereignDeps {
  client: KubeClient;
  applier: Applier;
  fieldManager: string;
  caches: SovereignCaches;
  events: EventRecorder;
  logger: Logger;
  now: () => Date;
  /** Whether the database behind a URL takes a login now; src/operator/database-probe.ts implements it. */
  probeDatabase(
    databaseUrl: string,
    namespace: string,
  ): Promise<{ kind: "ready" } | { kind: "unready" | "untested"; reason: string }>;
  /** The four steps against one Pod. */
  smoke: SmokeTest;
  /** A token for the Sovereign with this FQDN, good for at most five minutes. */
  mintToken(fqdn: string): Promise<string>;
  /** The public half of what signs those tokens, as a JWK set. */
  operatorJwks: object;
  /** How long billing Pods serve on after SIGTERM. */
  billingDrainSeconds: number;
  /** Counts a corrected hand edit. */
  onDrift(sovereign: string, drift: Drift): void;
}
