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
  /** Path of `sovereigns.json`. */
  sovereignsPath: string;
  apiServerUrl: string;
  /** Whether the playground keeps running after the summary. */
  keepsRunning: boolean;
}

/** Prints the table of Sovereigns, the pages to open, the URLs, and commands to try. */
export function printSummary(reporter: Reporter, input: SummaryInput): void {
  const rows = input.sovereigns.map(({ name, fqdn, url }) => [name, fqdn, "True", url]);
  reporter.line();
  for (const line of formatTable([["SOVEREIGN", "FQDN", "READY", "VOUCHER API"], ...rows]))
    reporter.line(`  ${line}`);
  const { sovereign, liveCode } = input.end;
  const kubeconfig = `--kubeconfig ${input.kubeconfigPath}`;
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
    `Kubernetes API  ${input.apiServerUrl}`,
    `Tokens, URLs    ${input.sovereignsPath}`,
    "",
    commands,
    `  kubectl ${kubeconfig} get catalyst --all-namespaces`,
    `  kubectl ${kubeconfig} --as omantel-admin -n sovereign-omantel set image deployment/billing billing=evil:latest`,
    `  KUBECONFIG=${input.kubeconfigPath} npm run --silent catalyst -- token --sovereign ${sovereign.name} --role sovereign-admin`,
    `  curl -s ${sovereign.url}/billing/vouchers/redeem-preview -H 'content-type: application/json' -d '{"code":"${liveCode}"}'`,
  ])
    reporter.line(line === "" ? "" : `  ${line}`);
}
