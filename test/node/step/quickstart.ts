import { expect, it } from "vitest";
import { missingLine, runnableSections, type Section } from "../support/page.ts";
import type { NodeBench } from "../support/world-hook.ts";

const PAGE = "docs/quickstart.md";
const IMAGE_SECTION = "2. Image";

/** Runs the command blocks of a section, and compares their output with the page. */
export async function runSection({ world }: NodeBench, { blocks }: Section): Promise<void> {
  for (const { script, output } of blocks) {
    const printed = await world.shell.run(script);
    expect(missingLine(printed, output), `a line that was not printed:\n${printed}`).toBeUndefined();
  }
}

/** Runs the quickstart exactly as the page writes it, from an empty cluster to a redeemed voucher. */
export function testQuickstart(bench: NodeBench): void {
  it.each(runnableSections(PAGE))(
    "$title, as docs/quickstart.md has it",
    async (section) => {
      await runSection(bench, section);
      if (section.title === IMAGE_SECTION)
        bench.image = (await bench.world.shell.run('echo "$IMAGE"')).trim();
    },
    300_000,
  );
}

/** Starts to build, push and sign the next version of the image with the same commands, while the tests continue. */
export function beginNextImage(bench: NodeBench): void {
  const scripts = runnableSections(PAGE)
    .filter(({ title }) => title === IMAGE_SECTION)
    .flatMap(({ blocks }) => blocks.map(({ script }) => script));
  const built = bench.world.shell.runAside(["export VERSION=2", ...scripts].join("\n"));
  bench.nextImage = built.then((output) => output.trim().split("\n").at(-1) ?? "");
  // The test that uses the image reports the error.
  bench.nextImage.catch(() => {});
}
