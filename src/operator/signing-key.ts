import { generateKeyPairSync } from "node:crypto";
import type { JWK } from "jose";
import { OPERATOR_KEY_SECRET, SYSTEM_NAMESPACE } from "../api/name.ts";
import type { SecretObject } from "../api/object.ts";
import type { Sovereign } from "../api/sovereign.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Informer } from "../kube/informer.ts";
import { type Watch, watchPrimary } from "../kube/reconcile.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import { createOperatorKey, type OperatorKey } from "./operator-token.ts";
import { createKeySecret, readKeySecret } from "./stored-key.ts";
import { parseStoredKeys, type StoredSigningKey, storedTexts } from "./stored-signing-key.ts";

/** A new key signs after this time. By then the ConfigMaps have it, and kubelets have written it into the Pods. */
export const PUBLISH_MS = 5 * 60_000;
/** A former key stays published for this time after the new key signs. Its last token lives for four minutes. */
export const RETIRE_MS = 5 * 60_000;
const RETRY_MS = 5_000;

/** A key of the operator, and the time of its creation (ms since the epoch). */
export interface KnownKey<Key> {
  key: Key;
  sinceMs: number;
}

/** The key that signs now. `keys` is sorted newest first, and not empty. */
export function signingKey<Key>(keys: readonly KnownKey<Key>[], nowMs: number): KnownKey<Key> | undefined {
  return keys.find(({ sinceMs }) => nowMs - sinceMs >= PUBLISH_MS) ?? keys.at(-1);
}

/** The keys to publish now, newest first. They include each key that may have signed a token that is still valid. */
export function publishedKeys<Key>(keys: readonly KnownKey<Key>[], nowMs: number): KnownKey<Key>[] {
  return keys.filter((_, index) => {
    const successor = keys[index - 1];
    return successor === undefined || nowMs - successor.sinceMs < PUBLISH_MS + RETIRE_MS;
  });
}

/** The operator's signing key. All replicas share it through its Secret, and watch the Secret. */
export interface SigningKeys {
  /** The public halves to publish now, as a JWK set: that of the newest key, and for a time those of former keys. */
  jwks(): { keys: JWK[] };
  mintToken: OperatorKey["mintToken"];
  /** Calls the handler when the published keys change. */
  onChange(handler: () => void, signal: AbortSignal): void;
}

interface SigningKeysDeps {
  client: KubeClient;
  /** A cache of the key's Secret only. */
  secrets: Informer<SecretObject>;
  logger: Logger;
  now: () => Date;
  signal: AbortSignal;
}

type SigningKey = OperatorKey & { pem: string };

/**
 * Loads the signing key, or creates it, and watches its Secret until the signal fires. Deleting the Secret rotates the key:
 * the operator creates another one, publishes both, and signs with the new one when every Pod can verify it. The Secret
 * also keeps the former key, for a process that starts during the rotation. When a person removes the former key from the
 * Secret, it is withdrawn. A Secret without a valid key is reported, and the last key stays in use.
 */
export async function createSigningKeys(deps: SigningKeysDeps): Promise<SigningKeys> {
  const { client, secrets, logger, now, signal } = deps;
  const handlers = new Set<() => void>();
  const first =
    (await readKeySecret(client, OPERATOR_KEY_SECRET)) ??
    (await createKeySecret(client, OPERATOR_KEY_SECRET, storedTexts({ pem: newPem(), sinceMs: 0 })));
  let keys = await parseKeys(parseStoredKeys(first).keys);
  const nowMs = () => now().getTime();
  const published = () => publishedKeys(keys, nowMs());
  void notifyAfterRetirement();

  async function adopt(secret: SecretObject): Promise<void> {
    const stored = parseStoredKeys(secret);
    const isSame = stored.keys[0]?.pem === keys[0]?.key.pem;
    if (isSame && stored.keys.length === keys.length) return;
    const [newest, ...former] = await parseKeys(stored.keys);
    if (newest === undefined) return;
    // A key without a time was written into the Secret by a person. It is published together with the earlier ones, like a
    // key of the operator's.
    keys =
      isSame || stored.isRotated ? [newest, ...former] : [{ ...newest, sinceMs: nowMs() }, ...published()];
    logger.info(
      { secret: OPERATOR_KEY_SECRET, published: published().length, signsInMs: PUBLISH_MS },
      "the signing keys have changed",
    );
    notifyAll();
    void notifyAfterRetirement();
  }

  /** Notifies again when the former keys expire, because every Sovereign's ConfigMap still has them. */
  async function notifyAfterRetirement(): Promise<void> {
    const [newest] = keys;
    if (published().length < 2 || newest === undefined) return;
    await sleep(newest.sinceMs + PUBLISH_MS + RETIRE_MS - nowMs(), signal);
    if (!signal.aborted) notifyAll();
  }

  // The watch reports the new Secret, whichever replica creates it.
  const replace = createSingleFlight(async () => {
    const texts = storedTexts({ pem: newPem(), sinceMs: nowMs() }, published().map(stored));
    while (!signal.aborted) {
      try {
        await createKeySecret(client, OPERATOR_KEY_SECRET, texts);
        return;
      } catch (error) {
        logger.warn({ error: errorMessage(error) }, "the signing key could not be replaced; trying again");
        await sleep(RETRY_MS, signal);
      }
    }
  });

  function notifyAll(): void {
    for (const handler of handlers) handler();
  }

  // Adopted one after the other: parsing is asynchronous, and the last Secret must win.
  let adopting = Promise.resolve();
  secrets.onChange((event) => {
    if (event.kind === "deleted") return void replace();
    adopting = adopting
      .then(() => adopt(event.object))
      .catch((error: unknown) =>
        logger.error({ error: errorMessage(error) }, "the signing key stays as it was"),
      );
  }, signal);

  return {
    jwks: () => ({ keys: published().flatMap(({ key }) => key.jwks.keys) }),
    mintToken: async (fqdn) => {
      const signer = signingKey(keys, nowMs());
      if (signer === undefined) throw new Error("the operator has no signing key");
      return signer.key.mintToken(fqdn);
    },
    onChange(handler, until) {
      handlers.add(handler);
      until.addEventListener("abort", () => handlers.delete(handler), { once: true });
    },
  };
}

/** Enqueues every Sovereign when the published keys change, because its ConfigMap holds them. */
export function signingKeyWatch(keys: SigningKeys, sovereigns: Informer<Sovereign>): Watch {
  const { keys: names } = watchPrimary(sovereigns);
  return {
    connect(enqueue, signal) {
      keys.onChange(() => {
        for (const name of names?.() ?? []) enqueue(name);
      }, signal);
    },
  };
}

const stored = ({ key, sinceMs }: KnownKey<SigningKey>): StoredSigningKey => ({ pem: key.pem, sinceMs });

const parseKeys = (keys: readonly StoredSigningKey[]): Promise<KnownKey<SigningKey>[]> =>
  Promise.all(keys.map(async ({ pem, sinceMs }) => ({ key: { ...(await parseKey(pem)), pem }, sinceMs })));

async function parseKey(pem: string): Promise<OperatorKey> {
  try {
    return await createOperatorKey(pem);
  } catch (cause) {
    throw new Error(
      `Secret ${SYSTEM_NAMESPACE}/${OPERATOR_KEY_SECRET} has no P-256 private key under key.pem: ` +
        "delete the Secret, and the operator creates a new key",
      { cause },
    );
  }
}

function newPem(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
