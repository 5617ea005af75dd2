import type { StorySovereign } from "./context.ts";
import type { Reporter } from "./reporter.ts";

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
  kubeconfigPath: string;
  /** Path of `sovereigns.json`. */
  sovereignsPath: string;
  apiServerUrl: string;
  /** Whether the playground keeps running after the summary. */
  keepsRunning: boolean;
}

/** Prints the table of Sovereigns, the URLs, and three commands to try. */
export function printSummary(reporter: Reporter, input: SummaryInput): void {
  const rows = input.sovereigns.map(({ name, fqdn, url }) => [name, fqdn, "True", url]);
  reporter.line();
  for (const line of formatTable([["SOVEREIGN", "FQDN", "READY", "VOUCHER API"], ...rows]))
    reporter.line(`  ${line}`);
  reporter.line();
  reporter.line(`  Kubernetes API  ${input.apiServerUrl}`);
  reporter.line(`  Tokens, URLs    ${input.sovereignsPath}`);
  reporter.line();
  reporter.line(
    input.keepsRunning
      ? "  Try these commands in another terminal:"
      : "  Without --once the playground keeps running, and you can try these commands:",
  );
  reporter.line(`    kubectl --kubeconfig ${input.kubeconfigPath} get catalyst --all-namespaces`);
  reporter.line(
    `    kubectl --kubeconfig ${input.kubeconfigPath} --as omantel-admin -n sovereign-omantel set image deployment/billing billing=evil:latest`,
  );
  reporter.line(
    `    curl -s ${input.sovereigns.at(-1)?.url}/billing/vouchers/redeem-preview -H 'content-type: application/json' -d '{"code":"NOPE"}'`,
  );
}
