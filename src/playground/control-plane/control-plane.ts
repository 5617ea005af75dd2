import type { Logger } from "../../platform/log.ts";
import type { Reaper } from "../process/reaper.ts";
import type { StateDirectory } from "../process/state-directory.ts";

export interface ControlPlane {
  /** `https://127.0.0.1:7443` */
  url: string;
  caPem: string;
  /** YAML; somebody in system:masters. */
  adminKubeconfig: string;
  close(): Promise<void>;
}

export interface ControlPlaneOptions {
  state: StateDirectory;
  reaper: Reaper;
  port: number;
  logger: Logger;
  now: () => Date;
  signal: AbortSignal;
}
