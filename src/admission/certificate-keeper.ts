import { X509Certificate } from "node:crypto";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { isDue, issueCertificates, type ServingCertificates } from "./certificate.ts";
import { authoritiesOf, carries, joinAuthorities, usableCertificates } from "./certificate-bundle.ts";

/** Where the replicas share one set of certificates. */
export interface CertificateStore {
  /** What is there, whatever it is, and the version that a write must follow; both undefined when nothing is. */
  read(): Promise<{
    stored: Partial<Record<keyof ServingCertificates, string>>;
    version: string | undefined;
  }>;
  /** False when somebody else wrote first. */
  write(certificates: ServingCertificates, version: string | undefined): Promise<boolean>;
  onChange(handler: () => void, signal: AbortSignal): void;
}

/** The CAs that API servers trust now: those in the webhook configuration. */
export interface PublishedAuthorities {
  current(): X509Certificate[];
  onChange(handler: () => void, signal: AbortSignal): void;
}

interface KeyPair {
  key: string;
  cert: string;
}

export interface CertificateKeeper {
  /** What this process serves. */
  serving(): KeyPair;
  /** The CAs to publish: those of the stored certificates, and of those that this process still serves. */
  caBundle(): string;
  /** Whether the CA of the served certificate was published. Stays true: a new certificate is served after its CA is published. */
  isPublished(): boolean;
  /** Hears each new pair to serve, and each new bundle to publish. */
  onServe(handler: (pair: KeyPair) => void): void;
  onBundle(handler: () => void, signal: AbortSignal): void;
  /** Keeps the certificates valid until the signal fires. */
  maintain(signal: AbortSignal): void;
}

export interface CertificateKeeperDeps {
  store: CertificateStore;
  published: PublishedAuthorities;
  /** Names that the certificate must bear. */
  names: readonly string[];
  logger: Logger;
  now: () => Date;
  /** How long a CA is published before anything is served under it: every API server has read it by then. */
  settleMs?: number;
}

const SETTLE_MS = 5_000;
const CHECK_MS = 60 * 60 * 1000;
const RETRY_MS = 10_000;
/** How long CAs from before stay in the bundle. Replicas follow within seconds; one may be cut off for a while. */
const OVERLAP_MS = 24 * 60 * 60 * 1000;

/**
 * Rotation without a refused handshake, for any number of replicas: new certificates are stored with the CAs from before
 * in their bundle, the leader publishes the bundle, and each replica serves the new ones once it has seen their CA
 * published for a while. What is missing or unreadable is made anew in the same way. Rejects when the store cannot be read.
 */
export async function createCertificateKeeper(deps: CertificateKeeperDeps): Promise<CertificateKeeper> {
  const { store, published, names, logger, now, settleMs = SETTLE_MS } = deps;
  const serveHandlers = new Set<(pair: KeyPair) => void>();
  const bundleHandlers = new Set<() => void>();
  /** When each CA was first seen published, by fingerprint. */
  const publishedSince = new Map<string, number>();
  /** CAs under which this process served before: another replica may do so still. */
  const former = new Map<string, { until: number }>();
  let wanted = await ensureStored([]);
  let served = wanted;
  let wasPublished = false;
  notePublished();

  /** What is stored, mended where it must be. `earlier` are bundles that stay published when there is a new CA. */
  async function ensureStored(earlier: string[]): Promise<ServingCertificates> {
    for (;;) {
      const { stored, version } = await store.read();
      const usable = usableCertificates(stored);
      const next = await dueAfter(usable, earlier);
      if (next === usable || (await store.write(next, version))) return next;
      // Another replica was faster: what it made counts.
    }
  }

  async function dueAfter(
    current: ServingCertificates | undefined,
    earlier: string[],
  ): Promise<ServingCertificates> {
    const at = now();
    if (current === undefined || isDue(current, names, at))
      return issueCertificates(names, at, current, [...earlier, ...published.current().map(String)]);
    const ageMs = at.getTime() - Date.parse(new X509Certificate(current.certificate).validFrom);
    const isOverlapOver = ageMs > OVERLAP_MS && authoritiesOf(current.caBundle).length > 1;
    return isOverlapOver ? { ...current, caBundle: current.caCertificate } : current;
  }

  function notePublished(): void {
    const present = new Set(published.current().map(({ fingerprint256 }) => fingerprint256));
    for (const known of [...publishedSince.keys()]) if (!present.has(known)) publishedSince.delete(known);
    for (const fingerprint of present)
      if (!publishedSince.has(fingerprint)) publishedSince.set(fingerprint, now().getTime());
    wasPublished ||= carries(published.current(), served.caCertificate);
  }

  /** Milliseconds until what is wanted may be served; undefined while its CA is not published. */
  function settlesInMs(): number | undefined {
    const [ca] = authoritiesOf(wanted.caCertificate);
    const since = publishedSince.get(ca?.fingerprint256 ?? "");
    return since === undefined ? undefined : Math.max(0, since + settleMs - now().getTime());
  }

  function caBundle(): string {
    const at = now();
    for (const [ca, { until }] of former) if (until < at.getTime()) former.delete(ca);
    return joinAuthorities([wanted.caBundle, served.caCertificate, ...former.keys()], at);
  }

  /** Brings store and service on; milliseconds until it should look again although nothing changed. */
  async function check(): Promise<number> {
    const before = caBundle();
    wanted = await ensureStored([served.caBundle]);
    notePublished();
    if (caBundle() !== before) for (const tell of bundleHandlers) tell();
    if (wanted.certificate !== served.certificate) {
      const waitMs = settlesInMs();
      if (waitMs !== 0) return waitMs ?? CHECK_MS;
      former.set(served.caCertificate, { until: now().getTime() + OVERLAP_MS });
      logger.info("the webhook serves a new certificate");
      for (const serve of serveHandlers) serve(pairOf(wanted));
    }
    served = wanted;
    return CHECK_MS;
  }

  return {
    serving: () => pairOf(served),
    caBundle,
    isPublished: () => wasPublished,
    onServe: (handler) => void serveHandlers.add(handler),
    onBundle(handler, signal) {
      bundleHandlers.add(handler);
      signal.addEventListener("abort", () => bundleHandlers.delete(handler), { once: true });
    },
    maintain(signal) {
      let last: Promise<void> = Promise.resolve();
      let timer: NodeJS.Timeout | undefined;
      async function look(): Promise<void> {
        if (signal.aborted) return;
        const delayMs = await check().catch((error: unknown) => {
          logger.warn({ error: errorMessage(error) }, "the webhook's certificate could not be checked");
          return RETRY_MS;
        });
        clearTimeout(timer);
        if (!signal.aborted) timer = setTimeout(next, delayMs);
      }
      const next = () => {
        last = last.then(look);
      };
      store.onChange(next, signal);
      published.onChange(next, signal);
      signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
      next();
    },
  };
}

const pairOf = ({ key, certificate }: ServingCertificates): KeyPair => ({ key, cert: certificate });
