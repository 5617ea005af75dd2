import { releaseOf } from "./cluster.ts";
import type { ObjectReference } from "./cluster-object.ts";
import type { WriteResult } from "./cluster-writer.ts";
import type { StoryContext, StorySovereign } from "./context.ts";
import { expectEqual, expectThat } from "./expectation.ts";
import { type Person, signIn } from "./person.ts";
import type { Observe } from "./reporter.ts";
import { callVoucherApi } from "./voucher-api.ts";

const FRANCHISEE = "omantel-admin";

/** Shows which writes of the Franchisee are admitted and which are denied. RBAC allows all of them. */
export async function runFranchiseeChapter(context: StoryContext, sovereign: StorySovereign): Promise<void> {
  const { reporter, cluster } = context;
  const franchisee = cluster.as(FRANCHISEE);
  const release: ObjectReference = { kind: "BillingRelease", name: await releaseOf(cluster, sovereign.name) };
  const self: ObjectReference = { kind: "Sovereign", name: sovereign.name };
  const deployment: ObjectReference = { kind: "Deployment", name: "billing", namespace: sovereign.namespace };

  // On a spoke, a native policy protects the hub's objects. It denies before the webhook.
  const guarded = sovereign.onSpoke ? "hub-object: spec" : "spec.image";

  await reporter.step("Replacing the image digest by a tag is refused", async (observe) => {
    const patch = { spec: { image: "registry.catalyst.example/catalyst:latest" } };
    expectDenied(await franchisee.mergePatch(release, patch), ["spec.image"], observe);
  });

  await reporter.step("Changing the release to another digest is denied", async (observe) => {
    const patch = { spec: { image: `registry.catalyst.example/catalyst@sha256:${"b".repeat(64)}` } };
    expectDenied(await franchisee.mergePatch(release, patch), [guarded], observe);
  });

  await reporter.step("Editing the managed Deployment is denied", async (observe) => {
    const image = "registry.catalyst.example/catalyst:latest";
    const patch = { spec: { template: { spec: { containers: [{ name: "billing", image }] } } } };
    expectDenied(await franchisee.strategicPatch(deployment, patch), ["Deployment"], observe);
  });

  await reporter.step("Editing one of the platform's CRDs is denied", async (observe) => {
    const crd: ObjectReference = { kind: "CustomResourceDefinition", name: "sovereigns.catalyst.openova.io" };
    const patch = { metadata: { labels: { "omantel.example/mine": "true" } } };
    expectDenied(await franchisee.mergePatch(crd, patch), ["sovereigns.catalyst.openova.io"], observe);
  });

  await reporter.step("A native policy denies deletion of the webhook configuration", async (observe) => {
    const webhook: ObjectReference = { kind: "ValidatingWebhookConfiguration", name: "catalyst-operator" };
    expectDenied(await franchisee.remove(webhook), ["webhook-configuration: metadata.name"], observe);
  });

  await reporter.step("An unsigned private Blueprint is denied", async (observe) => {
    expectDenied(await franchisee.apply(blueprint(context, "unsigned")), ["spec.source.ref"], observe);
  });

  await reporter.step("A private Blueprint signed by the Franchisee becomes Verified", async (observe) => {
    const manifest = blueprint(context, "signed");
    expectAccepted(await franchisee.apply(manifest));
    const reference: ObjectReference = {
      kind: "Blueprint",
      name: manifest.metadata.name,
      namespace: manifest.metadata.namespace ?? "",
    };
    const condition = await cluster.waitForCondition(reference, "Verified", "True");
    observe(`blueprint/${manifest.metadata.name}: Verified=True, ${condition.message}`);
  });

  await reporter.step("Changing its own branding is allowed", async (observe) => {
    const patch = { spec: { branding: { displayName: `${sovereign.displayName} Cloud` } } };
    expectAccepted(await franchisee.mergePatch(self, patch));
    observe(`sovereign/${sovereign.name}: spec.branding.displayName accepted`);
  });

  await reporter.step("Changing the tiers that its Franchise grants is allowed", async (observe) => {
    const tiers = sovereign.plans.map(({ id, priceBaisa }) => ({
      id,
      name: id,
      priceBaisa: priceBaisa + 500,
    }));
    expectAccepted(await franchisee.mergePatch(self, { spec: { tiers } }));
    observe(`sovereign/${sovereign.name}: spec.tiers accepted: ${tiers.map(({ id }) => id).join(", ")}`);
  });

  await reporter.step("A tier that its Franchise does not grant is denied", async (observe) => {
    const tiers = [{ id: "hyperscale", name: "Hyperscale", priceBaisa: 1 }];
    expectDenied(await franchisee.mergePatch(self, { spec: { tiers } }), ["spec.tiers"], observe);
  });

  await reporter.step("Billing refuses a voucher above the Franchise's credit limit", async (observe) => {
    const admin: Person = { id: FRANCHISEE, email: "admin@omantel.example", role: "sovereign-admin" };
    const response = await callVoucherApi(sovereign.url, "/billing/vouchers/issue", {
      token: await signIn(admin, sovereign.jwtSecret),
      body: { code: "TOO-GENEROUS", credit_omr: 1_000_000, description: "", max_redemptions: 1 },
    });
    expectEqual("status", response.status, 403);
    observe(`POST /billing/vouchers/issue → 403  ${(response.json as { error: string }).error}`);
  });
}

/** The example of a private Blueprint in the file whose name ends in `-<which>.yaml`. */
function blueprint(context: StoryContext, which: "signed" | "unsigned") {
  const example = context.examples.find(({ file }) => file.endsWith(`-blueprint-${which}.yaml`));
  expectThat(example !== undefined, `the examples have a file *-blueprint-${which}.yaml`);
  return example.manifest;
}

function expectDenied(result: WriteResult, mentions: string[], observe: Observe): void {
  expectThat(result.kind === "refused", "the API server refuses the write", result.kind);
  for (const text of mentions) {
    expectThat(result.message.includes(text), `the refusal mentions ${text}`, result.message);
  }
  observe(`${result.status} ${result.message}`);
}

function expectAccepted(result: WriteResult): void {
  if (result.kind === "refused") expectThat(false, "the API server accepts the write", result.message);
}
