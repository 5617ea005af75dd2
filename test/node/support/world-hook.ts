import { afterAll, beforeAll } from "vitest";
import type { StorySovereign } from "../../../src/playground/story/context.ts";
import { createWorld, type World } from "./world.ts";

/** The world that all tests share. Its members are valid only inside tests. */
export interface NodeBench {
  readonly world: World;
  /** `repository@sha256:…` of the product's image. The quickstart builds and signs it. */
  image: string;
  /** The reference of the next version's image. */
  nextImage: Promise<string>;
  /** Filled by the tests that make Sovereigns Ready. */
  readonly sovereigns: StorySovereign[];
}

/** Starts the node before the tests of a `describe`, and removes everything after them. */
export function useWorld(): NodeBench {
  let world: World | undefined;
  beforeAll(async () => {
    const startedAt = performance.now();
    world = await createWorld(process.env.KUBEBUILDER_ASSETS ?? "");
    console.log(`the node was up after ${Math.round((performance.now() - startedAt) / 1_000)} s`);
  }, 300_000);

  afterAll(async () => {
    if (world === undefined) return;
    await world.tenant.stop();
    await world.close();
  }, 60_000);

  const bench: NodeBench = {
    get world() {
      if (world === undefined) throw new Error("the node is not up");
      return world;
    },
    image: "",
    nextImage: Promise.reject(new Error("no test has begun to build it")),
    sovereigns: [],
  };
  bench.nextImage.catch(() => {});
  return bench;
}
