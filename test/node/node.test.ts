import { describe } from "vitest";
import { testDisturbances } from "./step/disturbance.ts";
import { testInstallation } from "./step/installation.ts";
import { testRemoval } from "./step/removal.ts";
import { testSovereigns } from "./step/sovereign.ts";
import { testUpgrades } from "./step/upgrade.ts";
import { useWorld } from "./support/world-hook.ts";

/** The product on one real node, through its life. The tests share the node and run in this order. */
describe("the product on a real node", () => {
  const bench = useWorld();
  testInstallation(bench);
  testSovereigns(bench);
  testUpgrades(bench);
  testDisturbances(bench);
  testRemoval(bench);
});
