import { afterAll, beforeAll } from "vitest";
import type { StorySovereign } from "../../../src/playground/story/context.ts";
import { createWorld, type World } from "./world.ts";

/** The world of all tests. Its members are valid inside tests. */
export interface NodeBench {
  readonly world: World;
  /** Filled by the tests that make them Ready. */
  readonly sovereigns: StorySovereign[];
}

/** Brings up the node before the tests of a `describe`, and removes all of it after them. */
export function useWorld(): NodeBench {
  let world: World | undefined;
  beforeAll(async () => {
    world = await createWorld(process.env.KUBEBUILDER_ASSETS ?? "");
  }, 300_000);

  afterAll(async () => {
    if (world === undefined) return;
    await world.tenant.stop();
    await world.close();
  }, 60_000);

  return {
    get world() {
      if (world === undefined) throw new Error("the node is not up");
      return world;
    },
    sovereigns: [],
  };
}
