import type { Logger } from "../../platform/log.ts";
import type { StateFolder } from "../process/state-directory.ts";
import type { Watchdog } from "../process/watchdog.ts";

export interface ControlPlane {
  /** `https://127.0.0.1:7443` */
  url: string;
  caPem: string;
  /** YAML. Its user is in the group system:masters. */
  adminKubeconfig: string;
  close(): Promise<void>;
}

export interface ControlPlaneOptions {
  state: StateFolder;
  watchdog: Watchdog;
  port: number;
  logger: Logger;
  now: () => Date;
  signal: AbortSignal;
}

/** Each control plane writes the requests of this user to `logs/audit.log` in the state directory, in Kubernetes' format. */
export const AUDITED_USER = "system:serviceaccount:catalyst-system:catalyst-operator";
