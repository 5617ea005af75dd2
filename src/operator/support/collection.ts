import { text } from "node:stream/consumers";
import { KINDS } from "../../api/kind-list.ts";
import { SYSTEM_NAMESPACE } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { SOVEREIGN, type Sovereign } from "../../api/sovereign.ts";
import { namespaceOf } from "../../controllers/sovereign/desired-metadata.ts";
import type { KubeClient } from "../../kube/client.ts";
import { listIfServed } from "../../kube/optional-kind.ts";
import { requireReachable } from "../../kube/reachability.ts";
import { DEPLOYMENTS, EVENTS, JOBS, PODS, pathOf, type Resource, resourceOf } from "../../kube/resource.ts";
import { errorMessage } from "../../platform/errors.ts";
import { OPERATOR_PODS } from "../workload.ts";
import { redactObject, redactText } from "./redaction.ts";

const LOG_TIMEOUT_MS = 30_000;

interface ArchivedFile {
  /** At most 100 bytes. */
  path: string;
  content: string;
}

export interface CollectionDeps {
  client: Pick<KubeClient, "list" | "request" | "openWatch">;
  /** The text of `/metrics` of an operator Pod. */
  readMetrics(pod: string): Promise<string>;
  /** The number of last lines of each log. */
  logLines: number;
  version: string;
  now: Date;
  /** Ends the collection, which then rejects. */
  signal: AbortSignal;
}

export interface Collection {
  files: ArchivedFile[];
  /** The items that could not be read, each with the reason. */
  missing: string[];
}

type Item = KubernetesObject & Record<string, unknown>;

/**
 * Collects the files that support needs. It never requests Secrets or ConfigMaps, and redacts all other content. Throws when
 * the API server does not answer.
 */
export async function collect(deps: CollectionDeps): Promise<Collection> {
  const { client } = deps;
  await requireReachable(client);
  const files: ArchivedFile[] = [];
  const missing: string[] = [];
  /** Returns undefined when the read fails, and adds the reason to `missing`. */
  async function attempt<T>(what: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      deps.signal.throwIfAborted();
      missing.push(`${what}: ${redactText(errorMessage(error))}`);
      return undefined;
    }
  }
  async function add(path: string, read: () => Promise<string>): Promise<void> {
    const content = await attempt(path, read);
    if (content !== undefined) files.push({ path, content });
  }

  await add("version.json", () => versions(deps));
  for (const definition of KINDS)
    await add(`kinds/${definition.plural}.json`, async () =>
      asJson((await listIfServed<Item>(client, resourceOf(definition))) ?? []),
    );
  const namespaces = await attempt("namespaces of Sovereigns", () => sovereignNamespaces(client));
  for (const namespace of new Set([SYSTEM_NAMESPACE, ...(namespaces ?? [])])) {
    await add(`namespaces/${namespace}/events.json`, () => list(client, EVENTS, namespace));
    for (const resource of [DEPLOYMENTS, JOBS, PODS])
      await add(`namespaces/${namespace}/${resource.plural}.json`, () => list(client, resource, namespace));
  }
  const pods = await attempt("Pods of the operator", () => operatorPods(client));
  for (const pod of pods ?? []) {
    await add(`operator/${pod}.log`, () => readLog(deps, pod));
    await add(`operator/${pod}.metrics.txt`, async () => redactText(await deps.readMetrics(pod)));
  }
  files.push({ path: "missing.txt", content: missing.map((line) => `${line}\n`).join("") });
  return { files, missing };
}

async function versions({ client, version, now }: CollectionDeps): Promise<string> {
  const kubernetes = await client.request<object>({ method: "GET", path: "/version" });
  return `${JSON.stringify({ catalyst: version, kubernetes, collectedAt: now.toISOString() }, null, 2)}\n`;
}

async function sovereignNamespaces(client: CollectionDeps["client"]): Promise<string[]> {
  const sovereigns = (await listIfServed<Sovereign>(client, resourceOf(SOVEREIGN))) ?? [];
  return sovereigns.map(namespaceOf);
}

async function operatorPods(client: CollectionDeps["client"]): Promise<string[]> {
  const { items } = await client.list<Item>(PODS, OPERATOR_PODS);
  return items.map(({ metadata }) => metadata.name);
}

/** Other clients may have added containers to the Pod, so the request names the operator's container. */
async function readLog({ client, logLines, signal }: CollectionDeps, name: string): Promise<string> {
  const path = pathOf(PODS, { name, namespace: SYSTEM_NAMESPACE }, "log");
  const query = { container: "operator", tailLines: logLines };
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(LOG_TIMEOUT_MS)]);
  return redactText(await text(await client.openWatch(path, query, { signal: bounded })));
}

const list = async (client: CollectionDeps["client"], resource: Resource, namespace: string) =>
  asJson((await client.list<Item>(resource, { namespace })).items.map(withoutValues));

const asJson = (items: readonly Item[]): string => `${JSON.stringify(items.map(redactObject), null, 2)}\n`;

/** A workload's variables, arguments, annotations and probes' headers may hold any text. Only names are kept. */
function withoutValues(item: Item): Item {
  return JSON.parse(
    JSON.stringify(item, (key, value) => {
      if ((key === "env" || key === "httpHeaders") && Array.isArray(value))
        return value.map(({ name }) => ({ name }));
      return key === "args" || key === "command" || key === "annotations" ? undefined : value;
    }),
  ) as Item;
}
