import type { Applier } from "../../kube/apply.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Logger } from "../../platform/log.ts";
import type { Fleets } from "../billing-release/fleet.ts";
import type { Drift } from "../drift.ts";
import type { Measurements } from "../measurement.ts";
import type { Spokes } from "../spoke/link.ts";
import type { Autoscalers } from "./autoscaler.ts";
import type { SovereignCaches } from "./cache.ts";
import type { ErrorRates } from "./error-rate.ts";
import type { SmokeTest, SmokeTestOutcome } from "./evidence.ts";
import type { DatabaseProbe, IssuerProbe } from "./measurement.ts";
import type { SecretReader } from "./secret-facts.ts";
import type { Verification } from "./verification.ts";

/** The dependencies of the Sovereign controller. */
export interface SovereignDeps {
  client: KubeClient;
  applier: Applier;
  fieldManager: string;
  caches: SovereignCaches;
  /** The state of each Sovereign in the rollout of its release. */
  fleets: Pick<Fleets, "decide">;
  /** The clusters of Sovereigns that have their own. */
  spokes: Pick<Spokes, "hub" | "linkOf" | "forget">;
  events: EventRecorder;
  logger: Logger;
  now: () => Date;
  /**
   * Tries a login to the database that the URL names, and checks that the database does not belong to another Sovereign. A
   * host name without dots is a Service in `namespace`.
   */
  probeDatabase(database: { databaseUrl: string; namespace: string; fqdn: string }): Promise<DatabaseProbe>;
  probes: Measurements<DatabaseProbe>;
  smokeTests: Measurements<SmokeTestOutcome>;
  /** Reads the issuer's keys. `authority` is the PEM that TLS trusts; undefined: the public authorities. */
  probeIssuer(source: { issuer: string; authority: string | undefined }): Promise<IssuerProbe>;
  issuerProbes: Measurements<IssuerProbe>;
  errorRates: Pick<ErrorRates, "baseline" | "verdict" | "discard" | "forget" | "endReconcile">;
  verification: Pick<Verification, "needsSmokeTest" | "clear">;
  autoscalers: Autoscalers;
  /** Runs the four-step smoke test against one Pod. */
  smoke: SmokeTest;
  /** Creates a token for the Sovereign with this FQDN. It is valid for at most five minutes. */
  mintToken(fqdn: string): Promise<string>;
  /** The public keys of those tokens, as a JWK set. They change when the signing key rotates. */
  operatorJwks(): object;
  secrets: SecretReader;
  /** The URL to which billing sends notices of placed orders. */
  orderNoticeUrl: string;
  /** How long billing Pods continue to serve after SIGTERM. */
  billingDrainSeconds: number;
  /** Why admission denies nothing; undefined when it does deny. */
  admissionNotice: string | undefined;
  /** Counts a corrected edit. */
  onDrift(sovereign: string, drift: Drift): void;
}
