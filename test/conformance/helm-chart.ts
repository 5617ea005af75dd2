import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../src/api/object.ts";
import { runTool } from "../support/process/tool.ts";

export interface Container {
  image: string;
  args: string[];
  env: { name: string; value?: string }[];
  ports: { name: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string }[];
  securityContext: object;
}
export interface Deployment extends KubernetesObject {
  spec: {
    replicas: number;
    template: { spec: { containers: [Container]; terminationGracePeriodSeconds: number } };
  };
}
export const CHART = join(import.meta.dirname, "../../charts/catalyst-operator");
/** The folder of the test tools. */
export const TOOLS = process.env.KUBEBUILDER_ASSETS ?? "";
export const HELM = join(TOOLS, "helm");
export const DIGEST = `sha256:${"a".repeat(64)}`;
/** The arguments that install or render a release of the chart. */
export const RELEASE = [
  "catalyst-operator",
  CHART,
  "--namespace",
  "catalyst-system",
  "--set",
  `image.digest=${DIGEST}`,
];

export const helm = (args: string[], kubeconfig = "/dev/null") =>
  runTool(HELM, args, { env: { KUBECONFIG: kubeconfig } });

/** The kubectl arguments in a refusal's commands, which hand an object over to the release. */
export function adoptionCommands(refusal: string): string[][] {
  const [, line = ""] = /^ +(kubectl annotate .*)$/m.exec(refusal) ?? [];
  return line.split(" && ").map((command) => command.split(" ").slice(1));
}

/** The objects that helm renders for these arguments. */
export async function render(...args: string[]): Promise<KubernetesObject[]> {
  const text = await helm(["template", ...RELEASE, ...args]);
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}

/** Labels that only the chart adds. The playground and the operator write the same objects without them. */
const OF_CHART = [
  "app.kubernetes.io/instance",
  "app.kubernetes.io/version",
  "app.kubernetes.io/managed-by",
  "helm.sh/chart",
];
export const withoutChartLabels = (object: KubernetesObject): KubernetesObject => {
  const { labels = {} } = object.metadata;
  const kept = Object.entries(labels).filter(([name]) => !OF_CHART.includes(name));
  return { ...object, metadata: { ...object.metadata, labels: Object.fromEntries(kept) } };
};
