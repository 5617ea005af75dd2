import type { PlatformIdentities } from "../admission/rules/input.ts";

/** What one operator process runs with. The command line reads it from flags and environment variables. */
export interface OperatorSettings {
  identity: string;
  host: string;
  webhookPort: number;
  webhookUrl: string | undefined;
  voucherApiPort: number;
  voucherApiSovereign: string | undefined;
  httpPort: number;
  registryMirrors: ReadonlyMap<string, string>;
  platform: PlatformIdentities;
  concurrency: number;
  drainSeconds: number;
  billingDrainSeconds: number;
  logLevel: string;
  kubeconfigPath: string | undefined;
}
