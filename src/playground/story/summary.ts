import type { StorySovereign } from "./context.ts";
import type { Reporter } from "./reporter.ts";
import type { StoryEnd } from "./story.ts";

/** Lines with each column padded to its widest cell, and two spaces between columns. */
export function formatTable(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

export interface SummaryInput {
  sovereigns: StorySovereign[];
  end: StoryEnd;
  kubeconfigPath: string;
  /** The second control plane of the topology `hub`. */
  spoke?: { kubeconfigPath: string; apiServerUrl: string } | undefined;
  /** Path of `sovereigns.json`. */
  sovereignsPath: string;
  apiServerUrl: string;
  /** Whether the playground keeps running after the summary. */
  keepsRunning: boolean;
}

/** Prints the table of Sovereigns, the pages to open, the URLs, and commands to try. */
export function printSummary(reporter: Reporter, input: SummaryInput): void {
  const { spoke } = input;
  const rows = [
    ["SOVEREIGN", "FQDN", "READY", "VOUCHER API"],
    ...input.sovereigns.map(({ name, fqdn, url }) => [name, fqdn, "True", url]),
  ];
  const places = ["CONTROL PLANE", ...input.sovereigns.map(({ onSpoke }) => (onSpoke ? "spoke" : "hub"))];
  const table = spoke === undefined ? rows : rows.map((row, index) => [...row, places[index] ?? ""]);
  reporter.line();
  for (const line of formatTable(table)) reporter.line(`  ${line}`);
  const { sovereign, liveCode } = input.end;
  const ownKubeconfig = (sovereign.onSpoke ? spoke?.kubeconfigPath : undefined) ?? input.kubeconfigPath;
  const getAll = (path: string) => `  kubectl --kubeconfig ${path} get catalyst --all-namespaces`;
  const heading = input.keepsRunning ? "Open in a browser:" : "Without --once these pages stay open:";
  const commands = input.keepsRunning
    ? "Try these commands in another terminal:"
    : "Without --once the playground keeps running, and you can try these commands:";
  for (const line of [
    "",
    heading,
    `  customers       ${sovereign.url}/redeem?code=${liveCode}`,
    `  administrators  ${sovereign.url}/admin   (choose "Sign in with your account", then a role)`,
    "",
    ...(spoke === undefined
      ? [`Kubernetes API  ${input.apiServerUrl}`]
      : [
          `Hub             ${input.apiServerUrl}   kubeconfig ${input.kubeconfigPath}`,
          `Spoke           ${spoke.apiServerUrl}   kubeconfig ${spoke.kubeconfigPath}`,
        ]),
    `Tokens, URLs    ${input.sovereignsPath}`,
    "",
    commands,
    getAll(input.kubeconfigPath),
    ...(spoke === undefined ? [] : [getAll(spoke.kubeconfigPath)]),
    `  kubectl --kubeconfig ${ownKubeconfig} --as omantel-admin -n sovereign-omantel set image deployment/billing billing=evil:latest`,
    `  KUBECONFIG=${ownKubeconfig} npm run --silent catalyst -- token --sovereign ${sovereign.name} --role sovereign-admin`,
    `  curl -s ${sovereign.url}/billing/vouchers/redeem-preview -H 'content-type: application/json' -d '{"code":"${liveCode}"}'`,
  ])
    reporter.line(line === "" ? "" : `  ${line}`);
}
