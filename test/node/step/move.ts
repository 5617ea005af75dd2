import { expect, it } from "vitest";
import { eventually } from "../../support/wait.ts";
import { runnableSections } from "../support/page.ts";
import type { NodeBench } from "../support/world-hook.ts";
import { expectOperatorReady } from "./installation.ts";
import { runSection } from "./quickstart.ts";

const PAGE = "docs/move.md";
const [STOP, SAVE, ...ON_THE_NEW_CLUSTER] = runnableSections(PAGE);

/** A customer's order through the Ingress, as docs/quickstart.md makes it. It is paid by the credit that is left. */
const ORDER = `
TOKEN_URL=$(curl --fail --silent "$ISSUER/.well-known/openid-configuration" | jq --raw-output .token_endpoint)
TOKEN=$(curl --fail --silent "$TOKEN_URL" --data grant_type=password --data client_id=vouchers \\
  --data username=salma --data "password=$CUSTOMER_PASSWORD" | jq --raw-output .access_token)
order() {
  curl --fail --silent --show-error "https://$VOUCHER_HOST/billing/checkout" --header "Authorization: Bearer $TOKEN" \\
    --header "Content-Type: application/json" --header "Idempotency-Key: $1" \\
    --data "{\\"plan_id\\":\\"starter\\",\\"apps\\":[],\\"addons\\":[],\\"tenant_id\\":\\"$1\\"}" | jq .credit_balance
}
`;

const uidOf = ({ world }: NodeBench) =>
  world.kubectl("get", "namespace", "kube-system", "--output", "jsonpath={.metadata.uid}");
const organizationsOf = async ({ world }: NodeBench) =>
  (await world.kubectl("get", "organizations", "--output", "name")).trim().split("\n");

/** Moves the installation of the quickstart to a new cluster, with the commands of the page. */
export function testMove(bench: NodeBench): void {
  let before: string[] = [];

  it("stops the operator and saves the objects, and a customer orders meanwhile", async () => {
    before = await organizationsOf(bench);
    await bench.world.shell.run('export OLD="$KUBECONFIG" NEW="$KUBECONFIG"');
    for (const section of [STOP, SAVE]) if (section !== undefined) await runSection(bench, section);
    expect(await bench.world.shell.run(`${ORDER}order second-shop`)).toBe("17\n");
    expect(await organizationsOf(bench)).toEqual(before);
  }, 180_000);

  it("restores them on a new cluster, with the vouchers, the credit, and the order that was made meanwhile", async () => {
    const uid = await uidOf(bench);
    await bench.world.replaceCluster();
    expect(await uidOf(bench)).not.toBe(uid);
    for (const section of ON_THE_NEW_CLUSTER) await runSection(bench, section);
    await expectOperatorReady(bench.world);
    expect(await bench.world.shell.run(`${ORDER}order third-shop`)).toBe("13\n");
    // The orders of before, of the time without an operator, and of the new cluster.
    await eventually(
      async () => expect(await organizationsOf(bench)).toHaveLength(before.length + 2),
      60_000,
    );
    expect(await organizationsOf(bench)).toEqual(expect.arrayContaining(before));
  }, 400_000);
}
