import type { Attempt, ObjectReference } from "./cluster.ts";
import type { StoryContext, StorySovereign } from "./context.ts";
import { expectEqual, expectThat } from "./expectation.ts";
import type { Observe } from "./narrator.ts";
import { type Person, signIn } from "./person.ts";
import { ask } from "./voucher-api.ts";

const FRANCHISEE = "omantel-admin";

/** What a Franchisee that RBAC lets try still may not do, and what it may. */
export async function tellFranchiseeChapter(context: StoryContext, sovereign: StorySovereign): Promise<void> {
  const { narrator, cluster } = context;
  const franchisee = cluster.as(FRANCHISEE);
  const release: ObjectReference = { kind: "BillingRelease", name: await cluster.releaseOf(sovereign.name) };
  const self: ObjectReference = { kind: "Sovereign", name: sovereign.name };
  const deployment: ObjectReference = { kind: "Deployment", name: "billing", namespace: sovereign.namespace };

  await narrator.step("Unpinning the billing image is denied", async (observe) => {
    const patch = { spec: { image: "registry.catalyst.example/catalyst:latest" } };
    expectDenied(await franchisee.mergePatch(release, patch), ["spec.image"], observe);
  });

  await narrator.step("Pointing the release at another digest is denied too", async (observe) => {
    const patch = { spec: { image: `registry.catalyst.example/catalyst@sha256:${"b".repeat(64)}` } };
    expectDenied(await franchisee.mergePatch(release, patch), ["spec.image"], observe);
  });

  await narrator.step("Editing the managed Deployment is denied", async (observe) => {
    const image = "registry.catalyst.example/catalyst:latest";
    const patch = { spec: { template: { spec: { containers: [{ name: "billing", image }] } } } };
    expectDenied(await franchisee.strategicPatch(deployment, patch), ["Deployment"], observe);
  });

  await narrator.step("Editing a CRD of the platform is denied", async (observe) => {
    const crd: ObjectReference = { kind: "CustomResourceDefinition", name: "sovereigns.catalyst.openova.io" };
    const patch = { metadata: { labels: { "omantel.example/mine": "true" } } };
    expectDenied(await franchisee.mergePatch(crd, patch), ["sovereigns.catalyst.openova.io"], observe);
  });

  await narrator.step(
    "Switching admission off is denied, by a policy that needs no webhook",
    async (observe) => {
      const guarded: ObjectReference = { kind: "ValidatingWebhookConfiguration", name: "catalyst-operator" };
      expectDenied(await franchisee.remove(guarded), ["webhook-configuration: metadata.name"], observe);
    },
  );

  await narrator.step("An unsigned private Blueprint is denied", async (observe) => {
    expectDenied(await franchisee.apply(blueprint(context, "unsigned")), ["spec.source.ref"], observe);
  });

  await narrator.step(
    "A private Blueprint that its own key signed is accepted, and Verified",
    async (observe) => {
      const manifest = blueprint(context, "signed");
      expectAccepted(await franchisee.apply(manifest));
      const reference: ObjectReference = {
        kind: "Blueprint",
        name: manifest.metadata.name,
        namespace: manifest.metadata.namespace ?? "",
      };
      const condition = await cluster.waitForCondition(reference, "Verified", "True");
      observe(`blueprint/${manifest.metadata.name}: Verified=True, ${condition.message}`);
    },
  );

  await narrator.step("Its branding is its own", async (observe) => {
    const patch = { spec: { branding: { displayName: `${sovereign.displayName} Cloud` } } };
    expectAccepted(await franchisee.mergePatch(self, patch));
    observe(`sovereign/${sovereign.name}: spec.branding.displayName accepted`);
  });

  await narrator.step("So is the choice among the tiers it may pass through", async (observe) => {
    const tiers = sovereign.plans.map(({ id, priceBaisa }) => ({
      id,
      name: id,
      priceBaisa: priceBaisa + 500,
    }));
    expectAccepted(await franchisee.mergePatch(self, { spec: { tiers } }));
    observe(`sovereign/${sovereign.name}: spec.tiers accepted: ${tiers.map(({ id }) => id).join(", ")}`);
  });

  await narrator.step("A tier outside its Franchise is denied", async (observe) => {
    const tiers = [{ id: "hyperscale", name: "Hyperscale", priceBaisa: 1 }];
    expectDenied(await franchisee.mergePatch(self, { spec: { tiers } }), ["spec.tiers"], observe);
  });

  await narrator.step("A voucher above its grant is refused by billing", async (observe) => {
    const admin: Person = { id: FRANCHISEE, email: "admin@omantel.example", role: "sovereign-admin" };
    const answer = await ask(sovereign.url, "/billing/vouchers/issue", {
      token: await signIn(admin, sovereign.jwtSecret),
      body: { code: "TOO-GENEROUS", credit_omr: 1_000_000, description: "", max_redemptions: 1 },
    });
    expectEqual("status", answer.status, 403);
    observe(`POST /billing/vouchers/issue → 403  ${(answer.json as { error: string }).error}`);
  });
}

/** The example of a private Blueprint in the file whose name ends in `-<which>.yaml`. */
function blueprint(context: StoryContext, which: "signed" | "unsigned") {
  const example = context.examples.find(({ file }) => file.endsWith(`-blueprint-${which}.yaml`));
  expectThat(example !== undefined, `docs/examples has a file *-blueprint-${which}.yaml`);
  return example.manifest;
}

function expectDenied(attempt: Attempt, mentions: string[], observe: Observe): void {
  expectThat(attempt.kind === "refused", "the API server refuses the write", attempt.kind);
  for (const text of mentions) {
    expectThat(attempt.message.includes(text), `the refusal names ${text}`, attempt.message);
  }
  observe(`${attempt.status} ${attempt.message}`);
}

function expectAccepted(attempt: Attempt): void {
  if (attempt.kind === "refused") expectThat(false, "the API server accepts the write", attempt.message);
}
