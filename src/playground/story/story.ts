import { randomBytes } from "node:crypto";
import { sovereignNamespace } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { StoryContext, StorySovereign } from "./context.ts";
import { runDriftChapter } from "./drift-chapter.ts";
import { expectThat } from "./expectation.ts";
import { runFranchiseeChapter } from "./franchisee-chapter.ts";
import { type PlatformChapterInput, runPlatformChapter } from "./platform-chapter.ts";
import { runSovereignChapter } from "./sovereign-chapter.ts";
import { contextOf, runHubView } from "./spoke.ts";
import { runVoucherChapter } from "./voucher-chapter.ts";

/** The add-ons of a cluster that the playground provides to the story. */
export interface StoryEnvironment {
  /** Creates a database unless it exists, as a PostgreSQL operator would, and returns its URL. */
  ensureDatabase(name: string): Promise<string>;
  ensureServingRole(name: string): Promise<string>;
}

interface SovereignManifest extends KubernetesObject {
  spec: {
    fqdn: string;
    role: string;
    namespace?: string;
    franchise?: string;
    cluster?: object;
    branding?: { displayName?: string };
    tiers?: { id: string; priceBaisa: number }[];
    billing: {
      database: { secretRef: SecretKey; migrationSecretRef?: SecretKey };
      auth: { secretRef?: SecretKey };
    };
  };
}

interface SecretKey {
  name: string;
  key?: string;
}

/** The Sovereign and the code with which a person can try the pages after the story. */
export interface StoryEnd {
  sovereign: StorySovereign;
  /** A code that customers can redeem on this Sovereign. */
  liveCode: string;
}

/** Runs all chapters in order. Throws at the first step that fails. */
export async function runStory(
  context: StoryContext,
  environment: StoryEnvironment,
  platform: PlatformChapterInput,
): Promise<StoryEnd> {
  const { reporter } = context;
  reporter.chapter(1, "The platform", "The operator runs as in a cluster, with its own account and rights.");
  await runPlatformChapter(context, platform);

  reporter.chapter(
    2,
    "Two Sovereigns become Ready",
    "Both run one image digest. The operator proves one schema and one API.",
  );
  const manifests = context.examples.map(({ manifest }) => manifest).filter(isSovereign);
  // One after the other, so that each Sovereign gets the same port in every run.
  const urls: string[] = [];
  for (const manifest of manifests)
    urls.push(await contextOf(context, isOnSpoke(manifest)).billingUrl(namespaceOf(manifest)));
  const prepared = await Promise.all(
    manifests.map((manifest, index) =>
      prepareSovereign(contextOf(context, isOnSpoke(manifest)), environment, manifest, urls[index] ?? ""),
    ),
  );
  for (const sovereign of prepared) {
    await runSovereignChapter(contextOf(context, sovereign.onSpoke), sovereign);
    context.sovereigns.push(sovereign);
  }

  const franchised = context.sovereigns.find(({ name }) =>
    manifests.some((it) => it.metadata.name === name && it.spec.role === "Franchised"),
  );
  expectThat(franchised !== undefined, "the examples have a franchised Sovereign");
  // The rest of the story is on the control plane that runs this Sovereign.
  const place = contextOf(context, franchised.onSpoke);
  if (franchised.onSpoke) await runHubView(context, franchised, manifests.length);
  reporter.chapter(
    3,
    `A voucher on ${franchised.name}`,
    "Credit is granted once, in one transaction. A refusal gives its reason.",
  );
  const liveCode = await runVoucherChapter(place, franchised);

  reporter.chapter(
    4,
    "What the Franchisee may and may not do",
    "RBAC allows all of these requests. Admission decides, and says why.",
  );
  await runFranchiseeChapter(place, franchised);

  reporter.chapter(
    5,
    "Drift is corrected",
    "Admission allows this change. The operator detects and reverts it.",
  );
  await runDriftChapter(place, franchised);
  return { sovereign: franchised, liveCode };
}

export function isSovereign(manifest: KubernetesObject): manifest is SovereignManifest {
  return manifest.kind === "Sovereign";
}

const isOnSpoke = ({ spec }: SovereignManifest) => spec.cluster !== undefined;

const namespaceOf = ({ metadata, spec }: SovereignManifest) =>
  sovereignNamespace(metadata.name, spec.namespace);

/**
 * Does the work of a cluster's add-ons for a new Sovereign: creates a database with its own roles and the Secrets that the manifest
 * names. The operator waits for them. Secrets of an earlier run are kept, because tokens are signed with them.
 */
export async function prepareSovereign(
  context: StoryContext,
  environment: StoryEnvironment,
  manifest: SovereignManifest,
  url: string,
): Promise<StorySovereign> {
  const { cluster } = context;
  const { name } = manifest.metadata;
  const { fqdn, billing, branding, tiers = [] } = manifest.spec;
  const namespace = namespaceOf(manifest);
  const jwt = billing.auth.secretRef;
  expectThat(jwt !== undefined, `${name} has spec.billing.auth.secretRef`);

  const databaseUrl = await environment.ensureDatabase(name);
  await cluster.waitUntil({ kind: "Namespace", name: namespace }, "the operator creates it", () => true);
  const ensureSecret = async (secret: SecretKey, defaultKey: string, value: string): Promise<string> => {
    const key = secret.key ?? defaultKey;
    const existing = (await cluster.get({ kind: "Secret", name: secret.name, namespace })) as
      | { data?: Record<string, string> }
      | undefined;
    const kept = existing?.data?.[key];
    if (kept !== undefined) return Buffer.from(kept, "base64").toString();
    await cluster.asAdmin().mustApply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secret.name, namespace },
      data: { ...existing?.data, [key]: Buffer.from(value).toString("base64") },
    } as KubernetesObject);
    return value;
  };
  const { secretRef, migrationSecretRef: owner } = billing.database;
  const servingUrl = owner === undefined ? databaseUrl : await environment.ensureServingRole(name);
  if (owner !== undefined) await ensureSecret(owner, "migrationUri", databaseUrl);
  await ensureSecret(secretRef, "uri", servingUrl);
  const jwtSecret = await ensureSecret(jwt, "secret", randomBytes(32).toString("base64url"));

  return {
    name,
    namespace,
    fqdn,
    displayName: branding?.displayName ?? name,
    onSpoke: isOnSpoke(manifest),
    url,
    databaseUrl,
    servingDatabaseUrl: servingUrl,
    jwtSecret,
    plans: tiers.map(({ id, priceBaisa }) => ({ id, priceBaisa })),
  };
}
