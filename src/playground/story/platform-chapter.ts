import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesObject } from "../../api/object.ts";
import type { ObjectReference } from "./cluster-object.ts";
import type { StoryContext } from "./context.ts";
import { parseManifests } from "./example.ts";
import { desiredFranchiseeAccess } from "./franchisee-role.ts";
import { desiredOperatorManifests, type OperatorInstallation } from "./operator-manifest.ts";
import { connectSpoke } from "./spoke.ts";

export interface PlatformChapterInput {
  crdFolder: string;
  operator: OperatorInstallation;
  /** The chart's folder with the rights of the hub on a spoke. */
  hubAccessFolder: string;
  franchisee: string;
}

const OPERATOR_DEPLOYMENT: ObjectReference = {
  kind: "Deployment",
  name: "catalyst-operator",
  namespace: "catalyst-system",
};

/**
 * Installs the platform, on both control planes when there are two, and connects them. Then applies the manifests of
 * docs/examples.
 */
export async function runPlatformChapter(context: StoryContext, input: PlatformChapterInput): Promise<void> {
  const { reporter, cluster, spoke } = context;
  await installPlatform(context, input, spoke === undefined ? "" : "Hub: ");
  if (spoke !== undefined) {
    const operator = { ...input.operator, hubAccessFolder: input.hubAccessFolder };
    await installPlatform({ ...context, ...spoke }, { ...input, operator }, "Spoke: ");
    await connectSpoke(context, spoke);
  }
  await reporter.step("The BillingRelease, the Sovereigns and the Franchise are applied", async (observe) => {
    const manifests = examplesOf(context, (kind) =>
      ["BillingRelease", "Sovereign", "Franchise", "EnvironmentPolicy"].includes(kind),
    );
    for (const manifest of manifests) {
      await cluster.asAdmin().mustApply(manifest);
      observe(`${manifest.kind.toLowerCase()}/${manifest.metadata.name} applied`);
    }
  });
}

/** Installs the CRDs, and the operator with its webhook. `where` begins the titles of the steps. */
async function installPlatform(
  context: StoryContext,
  input: PlatformChapterInput,
  where: string,
): Promise<void> {
  const { reporter, cluster } = context;
  const admin = cluster.asAdmin();
  const applyAll = async (manifests: KubernetesObject[]) => {
    for (const manifest of manifests) await admin.mustApply(manifest);
  };

  await reporter.step(`${where}The CRDs are installed and Established`, async (observe) => {
    const crds = readdirSync(input.crdFolder)
      .filter((file) => file.endsWith(".yaml"))
      .flatMap((file) => parseManifests(join(input.crdFolder, file)))
      .map(({ manifest }) => manifest);
    await Promise.all(crds.map((crd) => admin.mustApply(crd)));
    await Promise.all(
      crds.map((crd) =>
        cluster.waitForCondition(
          { kind: "CustomResourceDefinition", name: crd.metadata.name },
          "Established",
          "True",
        ),
      ),
    );
    observe(crds.map((crd) => crd.metadata.name.split(".")[0]).join(", "));
  });

  await reporter.step(`${where}The operator runs with its own ServiceAccount and RBAC`, async (observe) => {
    await applyAll(desiredOperatorManifests(input.operator));
    await applyAll(desiredFranchiseeAccess(input.franchisee));
    await applyAll(examplesOf(context, (kind) => kind === "ConfigMap"));
    await cluster.waitForCondition(OPERATOR_DEPLOYMENT, "Available", "True");
    observe(`deployment/catalyst-operator Available; image ${input.operator.image}`);
  });

  await reporter.step(
    `${where}The webhook serves TLS with the operator's own certificate`,
    async (observe) => {
      const configuration: ObjectReference = {
        kind: "ValidatingWebhookConfiguration",
        name: "catalyst-operator",
      };
      const object = await cluster.waitUntil(configuration, "every webhook has a caBundle", hasCaBundle);
      observe(
        `validatingwebhookconfiguration/catalyst-operator: ${webhooksOf(object).length} webhooks, caBundle published`,
      );
    },
  );
}

function examplesOf(context: StoryContext, takes: (kind: string) => boolean): KubernetesObject[] {
  return context.examples.map(({ manifest }) => manifest).filter(({ kind }) => takes(kind));
}

interface WebhookConfiguration {
  webhooks?: { clientConfig: { caBundle?: string } }[];
}

const webhooksOf = (object: unknown) => (object as WebhookConfiguration).webhooks ?? [];

function hasCaBundle(object: unknown): boolean {
  const webhooks = webhooksOf(object);
  return webhooks.length > 0 && webhooks.every(({ clientConfig }) => Boolean(clientConfig.caBundle));
}
