import { describe } from "vitest";
import { testAddresses } from "./step/address.ts";
import { testInstallation } from "./step/installation.ts";
import { testMove } from "./step/move.ts";
import { testQuickstart } from "./step/quickstart.ts";
import { testNoTrace } from "./step/trace.ts";
import { useWorld } from "./support/world-hook.ts";

/** The quickstart on a node whose only IPv4 address is 127.0.0.1, from the image to `helm test`, a move to a new cluster, and the removal of all. */
describe("the product on a node that has only IPv6", () => {
  const bench = useWorld();
  testInstallation(bench);
  testQuickstart(bench);
  testAddresses(bench);
  testMove(bench);
  testNoTrace(bench);
});
