import type { X509Certificate } from "node:crypto";
import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { authoritiesOf, hasAuthority, joinAuthorities } from "./bundle.ts";
import type { ServingCertificates } from "./certificate.ts";

/** The certificate and key that a process serves with, and the CAs that must be published before it does. PEM texts. */
export type SourcedCertificates = Omit<ServingCertificates, "caKey">;

/** The source of certificates: the operator itself, or files. */
export interface CertificateSource {
  /**
   * The certificate that should be served now. `earlier` are bundles that other replicas may still serve under. Rejects
   * when there is no usable certificate. The process then continues to serve the last one.
   */
  current(earlier: readonly string[]): Promise<SourcedCertificates>;
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

export interface CertificateRotator {
  /** The pair that this process serves. */
  serving(): KeyPair;
  /** The CAs to publish: those of the source's certificates, and of those that this process still serves. */
  caBundle(): string;
  /** Whether the CA of the served certificate was published. Stays true: a new certificate is served after its CA is published. */
  isPublished(): boolean;
  /** Called with each new pair to serve, and on each new bundle to publish. */
  onServe(handler: (pair: KeyPair) => void): void;
  onBundle(handler: () => void, signal: AbortSignal): void;
  /** Keeps the certificates valid until the signal fires. */
  maintain(signal: AbortSignal): void;
}

export interface CertificateRotatorDeps {
  source: CertificateSource;
  published: PublishedAuthorities;
  logger: Logger;
  now: () => Date;
  /** How long a CA is published before a certificate of it is served: by then every API server has read it. */
  settleMs?: number;
}

const SETTLE_MS = 5_000;
const CHECK_MS = 60 * 60 * 1000;
const RETRY_MS = 10_000;
/** How long earlier CAs stay in the bundle. Replicas follow within seconds, but one may lose its connection for a while. */
export const OVERLAP_MS = 24 * 60 * 60 * 1000;

/**
 * Rotates certificates without a refused handshake, for any number of replicas. The source returns each new certificate
 * with the earlier CAs in its bundle. The leader publishes the bundle. Each replica serves the new certificate once its CA
 * has been published for `settleMs`. Rejects when the source has no usable certificate at the start.
 */
export async function createCertificateRotator(deps: CertificateRotatorDeps): Promise<CertificateRotator> {
  const { source, published, logger, now, settleMs = SETTLE_MS } = deps;
  const serveHandlers = new Set<(pair: KeyPair) => void>();
  const bundleHandlers = new Set<() => void>();
  /** When each CA was first seen published, by fingerprint. */
  const publishedSince = new Map<string, number>();
  /** CAs under which this process served before. Another replica may still serve under one of them. */
  const former = new Map<string, { until: number }>();
  let wanted = await source.current([]);
  let served = wanted;
  let wasPublished = false;
  notePublished();

  function notePublished(): void {
    const present = new Set(published.current().map(({ fingerprint256 }) => fingerprint256));
    for (const known of [...publishedSince.keys()]) if (!present.has(known)) publishedSince.delete(known);
    for (const fingerprint of present)
      if (!publishedSince.has(fingerprint)) publishedSince.set(fingerprint, now().getTime());
    wasPublished ||= hasAuthority(published.current(), served.caCertificate);
  }

  /** Milliseconds until the wanted certificate may be served; undefined while its CA is not published. */
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

  /** Asks the source, and updates the served certificate. Returns the milliseconds until the next check, if nothing changes before. */
  async function check(): Promise<number> {
    const before = caBundle();
    wanted = await source.current([served.caBundle]);
    notePublished();
    if (caBundle() !== before) for (const tell of bundleHandlers) tell();
    if (wanted.certificate !== served.certificate) {
      const waitMs = settlesInMs();
      if (waitMs !== 0) return waitMs ?? CHECK_MS;
      former.set(served.caCertificate, { until: now().getTime() + OVERLAP_MS });
      logger.info("the webhook now serves a new certificate");
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
      async function checkAgain(): Promise<void> {
        if (signal.aborted) return;
        const delayMs = await check().catch((error: unknown) => {
          logger.warn(
            { error: errorMessage(error) },
            "could not check the webhook's certificate; trying again in 10 s",
          );
          return RETRY_MS;
        });
        clearTimeout(timer);
        if (!signal.aborted) timer = setTimeout(next, delayMs);
      }
      const next = () => {
        last = last.then(checkAgain);
      };
      source.onChange(next, signal);
      published.onChange(next, signal);
      signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
      next();
    },
  };
}

const pairOf = ({ key, certificate }: SourcedCertificates): KeyPair => ({ key, cert: certificate });
