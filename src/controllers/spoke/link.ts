import { SYSTEM_NAMESPACE } from "../../api/name.ts";
import { type KubernetesObject, type SecretObject, secretValue } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import { type Informer, isWatched } from "../../kube/informer.ts";
import type { Watch } from "../../kube/reconcile.ts";
import type { RemotePace } from "../../kube/remote-cluster.ts";
import { type RemoteKubeconfig, readRemoteKubeconfig } from "../../kube/remote-kubeconfig.ts";
import { keyOf, SECRETS } from "../../kube/resource.ts";
import type { Logger } from "../../platform/log.ts";
import { isRecent } from "../../platform/recent.ts";
import { createSpoke, type Spoke } from "./spoke.ts";

/** The cluster of a Sovereign, or why the hub cannot connect to it. */
type SpokeLink =
  | { kind: "spoke"; spoke: Spoke }
  /** The Secret or its key does not exist. */
  | { kind: "missing"; message: string }
  /** The kubeconfig contains fields that the operator must not use. */
  | { kind: "refused"; message: string };

/**
 * The clusters of all Sovereigns that have their own. Sovereigns with the same kubeconfig share a cluster. As a watch, it
 * enqueues the Sovereigns that a change on a cluster affects.
 */
export interface Spokes extends Watch {
  /** The UID of this cluster. Throws while the cache lacks it. */
  hub(): string;
  linkOf(sovereign: Sovereign): Promise<SpokeLink>;
  /** Drops the state of a Sovereign. The connection to a cluster ends with its last Sovereign. */
  forget(name: string): void;
}

export interface SpokesDeps {
  client: KubeClient;
  /** Connects to another cluster. */
  connect(kubeconfig: RemoteKubeconfig): KubeClient;
  namespaces: Pick<Informer<KubernetesObject>, "get">;
  /** Versions of the Secrets that Sovereigns name. */
  secretVersions: Pick<Informer<KubernetesObject>, "silentForMs" | "onChange">;
  logger: Logger;
  now: () => Date;
  pace?: Partial<RemotePace>;
}

/** The watch of Secrets reports a change at once. This age covers an event that was lost. */
const KUBECONFIG_MAX_AGE_MS = 300_000;
/** The same on a cluster where the operator may not watch Secrets. */
const UNWATCHED_KUBECONFIG_MAX_AGE_MS = 15_000;

interface RunningSpoke {
  spoke: Spoke;
  users: Set<string>;
  stop: AbortController;
}

export function createSpokes(deps: SpokesDeps): Spokes {
  const { client, logger, now } = deps;
  const spokes = new Map<string, RunningSpoke>();
  /** The digest of each Sovereign's kubeconfig. */
  const digests = new Map<string, string>();
  const read = createKubeconfigReader(deps);
  let enqueue: (key: string) => void = () => undefined;
  let running: AbortSignal | undefined;

  function release(name: string): void {
    const digest = digests.get(name);
    const used = digest === undefined ? undefined : spokes.get(digest);
    digests.delete(name);
    if (digest === undefined || used === undefined) return;
    used.spoke.forget(name);
    used.users.delete(name);
    if (used.users.size > 0) return;
    used.stop.abort();
    spokes.delete(digest);
  }

  function start(kubeconfig: RemoteKubeconfig, hub: string): RunningSpoke {
    const users = new Set<string>();
    const stop = new AbortController();
    const spoke = createSpoke({
      connect: () => deps.connect(kubeconfig),
      hub,
      onChange(name) {
        for (const user of name === undefined ? users : [name].filter((each) => users.has(each)))
          enqueue(user);
      },
      logger: logger.child({ server: kubeconfig.server }),
      now,
      pace: deps.pace,
    });
    const signal = running === undefined ? stop.signal : AbortSignal.any([running, stop.signal]);
    void spoke.run(signal);
    return { spoke, users, stop };
  }

  function hub(): string {
    const uid = deps.namespaces.get("kube-system")?.metadata.uid;
    if (uid === undefined) throw new Error("the cache has no namespace kube-system yet");
    return uid;
  }

  return {
    hub,
    async linkOf(sovereign) {
      const { name } = sovereign.metadata;
      const found = await read(client, sovereign);
      if (found.kind !== "accepted") {
        release(name);
        return found;
      }
      const { kubeconfig } = found;
      if (digests.get(name) !== kubeconfig.digest) release(name);
      const used = spokes.get(kubeconfig.digest) ?? start(kubeconfig, hub());
      used.users.add(name);
      spokes.set(kubeconfig.digest, used);
      digests.set(name, kubeconfig.digest);
      return { kind: "spoke", spoke: used.spoke };
    },
    forget(name) {
      release(name);
      read.forget(name);
    },
    connect(wanted, signal) {
      enqueue = wanted;
      running = signal;
      read.connect(signal);
    },
  };
}

type Reading = { kind: "accepted"; kubeconfig: RemoteKubeconfig } | Exclude<SpokeLink, { kind: "spoke" }>;

/** Reads the kubeconfig of a Sovereign again when its Secret has changed. */
function createKubeconfigReader({ secretVersions, now }: SpokesDeps) {
  const readings = new Map<string, { ref: string; secret: string; readAt: number; reading: Reading }>();
  let changes = 0;

  async function read(client: KubeClient, { metadata, spec }: Sovereign): Promise<Reading> {
    const { name, key } = spec.cluster?.kubeconfigSecretRef ?? { name: "", key: "" };
    const ref = `${name}/${key}`;
    const known = readings.get(metadata.name);
    const readAt = now().getTime();
    const maxAgeMs = isWatched(secretVersions) ? KUBECONFIG_MAX_AGE_MS : UNWATCHED_KUBECONFIG_MAX_AGE_MS;
    if (known?.ref === ref && isRecent(known.readAt, readAt, maxAgeMs)) return known.reading;
    const at = { name, namespace: SYSTEM_NAMESPACE };
    const changesBefore = changes;
    const reading = readingOf(await client.get<SecretObject>(SECRETS, at), name, key);
    // A change during the read may be newer than its result.
    if (changes === changesBefore) readings.set(metadata.name, { ref, secret: keyOf(at), readAt, reading });
    return reading;
  }

  return Object.assign(read, {
    forget: (name: string) => void readings.delete(name),
    connect(signal: AbortSignal): void {
      secretVersions.onChange(({ object }) => {
        changes += 1;
        for (const [name, { secret }] of readings)
          if (secret === keyOf(object.metadata)) readings.delete(name);
      }, signal);
    },
  });
}

function readingOf(secret: SecretObject | undefined, name: string, key: string): Reading {
  const where = `Secret ${SYSTEM_NAMESPACE}/${name} (spec.cluster.kubeconfigSecretRef)`;
  if (secret === undefined) return { kind: "missing", message: `${where} does not exist: create it` };
  const value = secretValue(secret, key);
  if (!value) return { kind: "missing", message: `${where} has no key ${key}: add it` };
  const result = readRemoteKubeconfig(value);
  if (result.kind === "accepted") return result;
  return { kind: "refused", message: `${where} is refused: ${result.problems.join("; ")}` };
}
