import { join } from "node:path";
import type { PostgresBinaries } from "../../../src/playground/postgres.ts";

const installed = (version: number, locale: string): PostgresBinaries => {
  const folder = join(process.env.KUBEBUILDER_ASSETS ?? "", `postgres-${version}`, "bin");
  return {
    initdb: join(folder, "initdb"),
    postgres: join(folder, "postgres"),
    locale: [`--locale=${locale}`],
  };
};

/** The versions that a Sovereign may run: those that test/conformance/install-postgres.sh installs, and the project's own. */
export const SERVERS = [
  { version: 15, binaries: installed(15, "C.UTF-8") },
  { version: 16, binaries: installed(16, "C") },
  { version: 17, binaries: installed(17, "C.UTF-8") },
  { version: 18, binaries: undefined },
];
