import { X509Certificate } from "node:crypto";
import { WEBHOOK_CONFIGURATION } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { DEPLOYMENTS, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../kube/resource.ts";
import { OPERATOR } from "../workload.ts";
import type { Check } from "./check.ts";

const area = "certificates";
const DAY_MS = 86_400_000;
/** The operator renews its certificates a month before they end, so fewer days mean that the renewal failed. */
const SOON_DAYS = 14;
const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

type Configuration = KubernetesObject & { webhooks?: { clientConfig?: { caBundle?: string } }[] };
type Deployment = KubernetesObject & {
  spec?: { template?: { spec?: { containers?: { env?: { name: string }[] }[] } } };
};

/** Checks the authorities that API servers trust for the webhook, and shows who issues the webhook's certificate. */
export async function checkCertificates(client: Pick<KubeClient, "get">, now: Date): Promise<Check[]> {
  const [configuration, deployment] = await Promise.all([
    client.get<Configuration>(VALIDATING_WEBHOOK_CONFIGURATIONS, { name: WEBHOOK_CONFIGURATION }),
    client.get<Deployment>(DEPLOYMENTS, OPERATOR),
  ]);
  if (configuration === undefined)
    return [{ area, state: "ok", message: "no webhook is installed: there is no certificate yet" }];
  const { webhooks = [] } = configuration;
  const bundles = webhooks.map(({ clientConfig }) => clientConfig?.caBundle ?? "");
  const mode = modeOf(deployment);
  return [...new Set(bundles.length === 0 ? [""] : bundles)].map((bundle) => bundleCheck(bundle, mode, now));
}

/** Derived from the variable that the chart sets for each value of webhook.certificate.mode. */
function modeOf(deployment: Deployment | undefined): string {
  const { containers = [] } = deployment?.spec?.template?.spec ?? {};
  const variables = containers.flatMap(({ env = [] }) => env.map(({ name }) => name));
  if (variables.includes("WEBHOOK_CERT_SECRET")) return "from cert-manager";
  return variables.includes("WEBHOOK_CERT_DIR") ? "from a Secret" : "made by the operator";
}

function bundleCheck(bundle: string, mode: string, now: Date): Check {
  const texts = Buffer.from(bundle, "base64").toString().match(PEM) ?? [];
  let certificates: X509Certificate[];
  try {
    certificates = texts.map((text) => new X509Certificate(text));
  } catch {
    certificates = [];
  }
  const [last] = certificates.map(({ validTo }) => Date.parse(validTo)).sort((a, b) => b - a);
  if (last === undefined) return problem("the webhook configuration has no authority");
  const days = Math.floor((last - now.getTime()) / DAY_MS);
  if (last < now.getTime()) return problem(`${mode}: the webhook's authority ended ${-days - 1} days ago`);
  const message = `${mode}: the webhook's authority is valid for ${days} days`;
  return days < SOON_DAYS ? problem(message) : { area, state: "ok", message };
}

function problem(message: string): Check {
  const remedy = "see the operator's Events and logs, and docs/runbook.md";
  return { area, state: "problem", message, remedy };
}
