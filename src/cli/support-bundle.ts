import { existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import type { KubeConfig } from "@kubernetes/client-node";
import { SYSTEM_NAMESPACE } from "../api/name.ts";
import { createKubeClient } from "../kube/client.ts";
import { openPodPort } from "../kube/port-forward.ts";
import { collect } from "../operator/support/collection.ts";
import { boundedFetch } from "../platform/bounded-fetch.ts";
import { UsageError } from "../platform/errors.ts";
import { tarArchive } from "../platform/tar.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, parseCommandLine, parseCount } from "./flag.ts";
import { CLUSTER_ENVIRONMENT, CLUSTER_FLAGS, readKubeConfig } from "./kubeconfig.ts";
import { oneLine } from "./terminal-text.ts";
import { readVersion } from "./version.ts";

const MAX_LOG_LINES = 100_000;
const MAX_METRICS_BYTES = 16 * 1024 * 1024;
const METRICS_TIMEOUT_MS = 10_000;
/** Permissions of the archive, and of the files that it is extracted to. */
const OWNER_ONLY = 0o600;

const FLAGS = [
  {
    name: "file",
    value: "FILE",
    description: "the archive to write; it must not exist (catalyst-support-TIME.tar.gz)",
  },
  { name: "log-lines", value: "NUMBER", fallback: "2000", description: "the last lines of each log" },
  {
    name: "metrics-port",
    value: "PORT",
    fallback: "8080",
    description: "the operator's port of /metrics: the chart's value http.port",
  },
  ...CLUSTER_FLAGS,
] as const satisfies readonly Flag[];

export const command: Command = {
  summary: "write an archive for support, without secrets and without people's addresses",
  description: [
    "Writes one tar.gz with the objects of the six kinds, Deployments, Jobs, Pods and Events of the operator's and the Sovereigns' namespaces, the operator's logs and metrics, and versions. Only its owner may read it. Reads through the API server with your own rights.",
    "It never reads Secrets and ConfigMaps. It leaves out the values of variables, arguments, and annotations that the product does not write. In everything else it replaces what has the form of a token, a key, a certificate, a connection string, an e-mail address or a network address. Look through the archive before you send it, because the command cannot recognise a person's name in free text. The file missing.txt says what could not be read.",
  ],
  flags: FLAGS,
  environment: CLUSTER_ENVIRONMENT,
  examples: [["catalyst support-bundle --file support.tar.gz --log-lines 500", "write a small archive"]],
  exitCodes: "0 done, 1 something could not be read, and the archive has the rest; 2 wrong usage",
  async run({ args, env, signal, stdout }) {
    const { values } = parseCommandLine(FLAGS, args);
    const [logLines, port] = [
      parseCount("log-lines", values["log-lines"], MAX_LOG_LINES),
      parseCount("metrics-port", values["metrics-port"], 65_535),
    ];
    const kubeConfig = readKubeConfig(env, values);
    const now = new Date();
    const file = values.file ?? `catalyst-support-${now.toISOString().replaceAll(/[:.]/g, "-")}.tar.gz`;
    requireNewFile(file);
    const client = createKubeClient({ kubeConfig, userAgent: "catalyst-support-bundle" });
    try {
      const readMetrics = (pod: string) => metricsOf(kubeConfig, pod, port, signal);
      const { files, missing } = await collect({
        client,
        readMetrics,
        logLines,
        version: readVersion(),
        now,
        signal,
      });
      signal.throwIfAborted();
      // `wx` neither replaces an existing file nor follows a link.
      const archive = gzipSync(tarArchive(files, { mode: OWNER_ONLY, modifiedAt: now }));
      writeFileSync(file, archive, { flag: "wx", mode: OWNER_ONLY });
      stdout.write(`${file}: ${files.length} files\n`);
      for (const line of missing) stdout.write(`could not read ${oneLine(line)}\n`);
      return missing.length === 0 ? EXIT.done : EXIT.checkFailed;
    } finally {
      await client.close();
    }
  },
};

/** Checks the file before the collection, which takes a while. */
function requireNewFile(file: string): void {
  if (existsSync(file)) throw new UsageError(`--file exists already: ${file}. Remove it, or name another`);
  if (!existsSync(dirname(file)))
    throw new UsageError(`--file is in a folder that does not exist: ${dirname(file)}`);
}

async function metricsOf(
  kubeConfig: KubeConfig,
  name: string,
  port: number,
  signal: AbortSignal,
): Promise<string> {
  const opened = openPodPort(kubeConfig, { name, namespace: SYSTEM_NAMESPACE }, port);
  try {
    const answer = await boundedFetch(`http://${name}/metrics`, {
      ...{ fetch: opened.fetch, signal, timeoutMs: METRICS_TIMEOUT_MS, maxBytes: MAX_METRICS_BYTES },
    });
    if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
    return Buffer.from(answer.body).toString();
  } finally {
    await opened.close();
  }
}
