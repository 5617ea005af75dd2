import type { Enforcement } from "../admission/enforcement.ts";
import type { IdentityLists } from "../admission/rules/identity.ts";

/** The settings of one operator process. The command line reads them from flags and environment variables. */
export interface OperatorSettings {
  /** The name of this replica in the leader election and in Events; unique among replicas. */
  identity: string;
  host: string | undefined;
  webhookPort: number;
  /** The https URL at which API servers call the webhook; undefined: they call the Service. */
  webhookUrl: string | undefined;
  /** The folder of `tls.crt`, `tls.key` and `ca.crt`; undefined: the operator makes the certificate. */
  webhookCertDir: string | undefined;
  /** The Secret with these keys, in any namespace; undefined: `webhookCertDir` applies. */
  webhookCertSecret: { namespace: string; name: string } | undefined;
  /** PEM file of the CA whose client certificates the webhook demands; undefined: it answers every client. */
  webhookClientCaFile: string | undefined;
  /** Common names of the clients that the webhook answers; empty: every name of that CA. */
  webhookClientNames: readonly string[];
  voucherApiPort: number;
  /** Undefined: the Sovereign with role CatalystZero. */
  voucherApiSovereign: string | undefined;
  /** The origin under which billing Pods connect to the operators' voucher API. */
  operatorUrl: string;
  httpPort: number;
  /** Origins of mirrors, by the host of the registry that each replaces. */
  registryMirrors: ReadonlyMap<string, string>;
  enforcement: Enforcement;
  /** The page that denials link to. */
  docsUrl: string;
  /** Certificates in PEM of authorities that registries may use besides the public ones. */
  registryCaPem: string | undefined;
  /** Files with credentials for registries, each the `.dockerconfigjson` of a pull secret. */
  registryPullSecretFiles: readonly string[];
  /** The built-in identities and those that flags add. */
  identities: IdentityLists;
  /** CSI drivers whose inline volumes everyone may mount: the built-in ones and those that the flag adds. */
  inlineDrivers: readonly string[];
  /** Objects of one kind that are reconciled at the same time. */
  concurrency: number;
  drainSeconds: number;
  /** The drain time of the billing Pods that the operator deploys. */
  billingDrainSeconds: number;
  logLevel: string;
  /** Undefined: the ServiceAccount of the Pod. */
  kubeconfigPath: string | undefined;
}
