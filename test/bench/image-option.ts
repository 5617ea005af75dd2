import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The memory limit that the chart sets. */
export const MEMORY_LIMIT_MIB = 512;

const DOCKERFILE = join(import.meta.dirname, "../../Dockerfile");

/**
 * The Node options in the image's entry point, so that a bench measures what clusters run. Outside of a container, Node
 * takes a percentage from the machine's memory. So these options take it from the chart's limit.
 */
export function imageNodeOptions(): string[] {
  const entryPoint = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(DOCKERFILE, "utf8"))?.[1];
  if (entryPoint === undefined) throw new Error("the Dockerfile has no ENTRYPOINT in the form of a list");
  return (JSON.parse(entryPoint) as string[])
    .filter((word) => word.startsWith("--"))
    .map((option) =>
      option.replace(/^--max-old-space-size-percentage=(\d+)$/, (_, share) => {
        return `--max-old-space-size=${Math.floor((Number(share) / 100) * MEMORY_LIMIT_MIB)}`;
      }),
    );
}
