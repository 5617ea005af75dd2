import { describe, expect, it } from "vitest";
import { testAddresses } from "./step/address.ts";
import { testCommands } from "./step/command.ts";
import { testDisturbances } from "./step/disturbance.ts";
import { testCoexistence, testInstallation } from "./step/installation.ts";
import { testNeighbours } from "./step/neighbour.ts";
import { testQuickstart } from "./step/quickstart.ts";
import { testRemoval } from "./step/removal.ts";
import { testSovereigns } from "./step/sovereign.ts";
import { testUpgrades } from "./step/upgrade.ts";
import { useWorld } from "./support/world-hook.ts";

/** The product on one real node, from its installation to its removal. The tests share the node and run in this order. */
describe("the product on a real node", () => {
  const bench = useWorld();
  testInstallation(bench);
  testQuickstart(bench);
  testAddresses(bench);
  testCoexistence(bench);
  testSovereigns(bench);
  testNeighbours(bench);
  testCommands(bench);
  testUpgrades(bench);
  testDisturbances(bench);
  testRemoval(bench);

  it("never admitted the tenant's forbidden request, which is sent every 100 ms", async () => {
    const { tenant } = bench.world;
    await tenant.stop();
    const { allowed, ...refused } = tenant.count;
    console.log(`the tenant's requests: ${JSON.stringify(refused)}`);
    expect(allowed).toEqual([]);
    // A faster machine has fewer requests, because the webhook and the API server are unavailable for the same time.
    expect(refused.denied).toBeGreaterThan(500);
    expect(refused.denied).toBeGreaterThan(refused.webhookAway + refused.serverAway + refused.unauthorized);
  });
});
