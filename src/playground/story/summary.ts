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

/**
 * Prints the table of Sovereigns. While the playground keeps running, also what to open next: both pages, the URLs, and
 * three commands. After its end, their addresses would lead nowhere.
 */
export function printSummary(reporter: Reporter, input: SummaryInput): void {
  const next = input.keepsRunning
    ? nextLines(input)
    : ["Without --once, the playground keeps running, and lists pages to open and commands to try."];
  for (const line of ["", ...formatTable(sovereignRows(input)), "", ...next])
    reporter.line(line === "" ? "" : `  ${line}`);
}

function nextLines({ spoke, end, ...input }: SummaryInput): string[] {
  const { sovereign, liveCode } = end;
  const ownKubeconfig = (sovereign.onSpoke ? spoke?.kubeconfigPath : undefined) ?? input.kubeconfigPath;
  return [
    "Open in a browser:",
    `  customers       ${sovereign.url}/redeem?code=${liveCode}`,
    `  administrators  ${sovereign.url}/admin   (choose "Sign in with your account", then a role)`,
    "  or with a token, which this command prints:",
    `    KUBECONFIG=${ownKubeconfig} npm run --silent catalyst -- token --sovereign ${sovereign.name} --role sovereign-admin`,
    "",
    ...(spoke === undefined
      ? [`Kubernetes API  ${input.apiServerUrl}`]
      : [
          `Hub             ${input.apiServerUrl}   kubeconfig ${input.kubeconfigPath}`,
          `Spoke           ${spoke.apiServerUrl}   kubeconfig ${spoke.kubeconfigPath}`,
        ]),
    `Tokens, URLs    ${input.sovereignsPath}`,
    "",
    "Try in another terminal: see what runs, try what a Franchisee may not do, ask what a code is worth:",
    `  kubectl --kubeconfig ${input.kubeconfigPath} get catalyst --all-namespaces`,
    `  kubectl --kubeconfig ${ownKubeconfig} --as omantel-admin -n ${sovereign.namespace} set image deployment/billing billing=evil:latest`,
    `  curl -s ${sovereign.url}/billing/vouchers/redeem-preview -H 'content-type: application/json' -d '{"code":"${liveCode}"}'`,
  ];
}

function sovereignRows({ sovereigns, spoke }: SummaryInput): string[][] {
  const rows = [
    ["SOVEREIGN", "FQDN", "READY", "VOUCHER API", "CONTROL PLANE"],
    ...sovereigns.map(({ name, fqdn, url, onSpoke }) => [name, fqdn, "True", url, onSpoke ? "spoke" : "hub"]),
  ];
  return spoke === undefined ? rows.map((row) => row.slice(0, -1)) : rows;
}
