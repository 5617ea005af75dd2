import { randomBytes } from "node:crypto";
import { sovereignNamespace } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { StoryContext, StorySovereign } from "./context.ts";
import { tellDriftChapter } from "./drift-chapter.ts";
import { expectThat } from "./expectation.ts";
import { tellFranchiseeChapter } from "./franchisee-chapter.ts";
import { type PlatformChapterInput, tellPlatformChapter } from "./platform-chapter.ts";
import { tellSovereignChapter } from "./sovereign-chapter.ts";
import { tellVoucherChapter } from "./voucher-chapter.ts";

/** What the story needs of the machine room: the parts that a cluster's add-ons would do. */
export interface StoryStage {
  /** Creates the database once; as the PostgreSQL operator of a cluster would. */
  ensureDatabase(name: string): Promise<string>;
  /** Where the Sovereign's Service answers on this machine. */
  urlOf(namespace: string, service: string): Promise<string>;
}

interface SovereignManifest extends KubernetesObject {
  spec: {
    fqdn: string;
    role: string;
    namespace?: string;
    franchise?: string;
    branding?: { displayName?: string };
    tiers?: { id: string; priceBaisa: number }[];
    billing: {
      database: { secretRef: { name: string; key?: string } };
      auth: { secretRef?: SecretKey };
    };
  };
}

interface SecretKey {
  name: string;
  key?: string;
}

/** Tells all chapters in order; throws at the first step that does not hold. */
export async function tellStory(
  context: StoryContext,
  stage: StoryStage,
  platform: PlatformChapterInput,
): Promise<void> {
  const { narrator } = context;
  narrator.chapter(
    1,
    "The platform",
    "Manifests go in; the operator runs as in a cluster, with its own token and rights.",
  );
  await tellPlatformChapter(context, platform);

  narrator.chapter(
    2,
    "Two Sovereigns become Ready",
    "Same digest, same migration, same schema, same API: proved, not assumed.",
  );
  const manifests = context.examples.map(({ manifest }) => manifest).filter(isSovereign);
  // In the order of the manifests, so that a Sovereign has the same address in every run.
  const urls: string[] = [];
  for (const manifest of manifests) urls.push(await stage.urlOf(namespaceOf(manifest), "billing"));
  const prepared = await Promise.all(
    manifests.map((manifest, index) => prepareSovereign(context, stage, manifest, urls[index] ?? "")),
  );
  for (const sovereign of prepared) {
    await tellSovereignChapter(context, sovereign);
    context.sovereigns.push(sovereign);
  }

  const franchised = context.sovereigns.find(({ name }) =>
    manifests.some((it) => it.metadata.name === name && it.spec.role === "Franchised"),
  );
  expectThat(franchised !== undefined, "docs/examples has a franchised Sovereign");
  narrator.chapter(
    3,
    `A voucher on ${franchised.name}`,
    "One transaction redeems it; every refusal is exact; nothing is spent twice.",
  );
  await tellVoucherChapter(context, franchised);

  narrator.chapter(
    4,
    "What the Franchisee may and may not do",
    "RBAC lets it try all of this; admission alone says no, and says why.",
  );
  await tellFranchiseeChapter(context, franchised);

  narrator.chapter(5, "Drift", "What slips past admission is noticed, reported and put back.");
  await tellDriftChapter(context, franchised);
}

function isSovereign(manifest: KubernetesObject): manifest is SovereignManifest {
  return manifest.kind === "Sovereign";
}

const namespaceOf = ({ metadata, spec }: SovereignManifest) =>
  sovereignNamespace(metadata.name, spec.namespace);

/**
 * Does what the platform's add-ons do for a new Sovereign: a database with its own role, and the two Secrets that
 * the manifest names. The operator waits for them. Secrets that an earlier run left are kept, or tokens would break.
 */
async function prepareSovereign(
  context: StoryContext,
  stage: StoryStage,
  manifest: SovereignManifest,
  url: string,
): Promise<StorySovereign> {
  const { cluster } = context;
  const { name } = manifest.metadata;
  const { fqdn, billing, branding, tiers = [] } = manifest.spec;
  const namespace = namespaceOf(manifest);
  const jwt = billing.auth.secretRef;
  expectThat(jwt !== undefined, `${name}: the story signs people in by spec.billing.auth.secretRef`);

  const databaseUrl = await stage.ensureDatabase(name);
  await cluster.waitUntil({ kind: "Namespace", name: namespace }, "the operator makes it", () => true);
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
      data: { [key]: Buffer.from(value).toString("base64") },
    } as KubernetesObject);
    return value;
  };
  await ensureSecret(billing.database.secretRef, "uri", databaseUrl);
  const jwtSecret = await ensureSecret(jwt, "secret", randomBytes(32).toString("base64url"));

  return {
    name,
    namespace,
    fqdn,
    displayName: branding?.displayName ?? name,
    url,
    databaseUrl,
    jwtSecret,
    plans: tiers.map(({ id, priceBaisa }) => ({ id, priceBaisa })),
  };
}
