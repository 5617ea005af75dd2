import type { StorySovereign } from "./context.ts";
import type { Narrator } from "./narrator.ts";

/** Columns padded to their widest cell, two blanks between. */
export function formatTable(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

export interface EndingInput {
  sovereigns: StorySovereign[];
  kubeconfigPath: string;
  /** Where `sovereigns.json` lies. */
  sovereignsPath: string;
  apiServerUrl: string;
  /** Whether all of this is there for a while, or gone when it has been read. */
  staysUp: boolean;
}

/** The table of Sovereigns, the URLs, and three commands to try. */
export function tellEnding(narrator: Narrator, input: EndingInput): void {
  const rows = input.sovereigns.map(({ name, fqdn, url }) => [name, fqdn, "True", url]);
  narrator.line();
  for (const line of formatTable([["SOVEREIGN", "FQDN", "READY", "VOUCHER API"], ...rows]))
    narrator.line(`  ${line}`);
  narrator.line();
  narrator.line(`  Kubernetes API  ${input.apiServerUrl}`);
  narrator.line(`  Tokens, URLs    ${input.sovereignsPath}`);
  narrator.line();
  narrator.line(
    input.staysUp ? "  Try, in another terminal:" : "  Without --once all of it stays up, for you to try:",
  );
  narrator.line(`    kubectl --kubeconfig ${input.kubeconfigPath} get catalyst --all-namespaces`);
  narrator.line(
    `    kubectl --kubeconfig ${input.kubeconfigPath} --as omantel-admin -n sovereign-omantel set image deployment/billing billing=evil:latest`,
  );
  narrator.line(
    `    curl -s ${input.sovereigns.at(-1)?.url}/billing/vouchers/redeem-preview -H 'content-type: application/json' -d '{"code":"NOPE"}'`,
  );
}
