import { expect, it } from "vitest";
import { eventually } from "../../support/wait.ts";
import { runnableSections } from "../support/page.ts";
import type { NodeBench } from "../support/world-hook.ts";
import { NAMESPACE } from "./installation.ts";
import { runSection } from "./quickstart.ts";
import { UNINSTALL_PAGE } from "./removal.ts";

const SECTION = "Remove the rest too";

/** Tests the removal of everything that the product made on the cluster and in PostgreSQL. */
export function testNoTrace(bench: NodeBench): void {
  it("can be removed without a trace, with the commands of docs/uninstall.md", async () => {
    const { helm, kubectl, shell } = bench.world;
    await helm("uninstall", "catalyst-operator", ...NAMESPACE, "--wait");
    await shell.run("kubectl catalyst uninstall");
    const sections = runnableSections(UNINSTALL_PAGE).filter(({ title }) => title === SECTION);
    expect(sections).toHaveLength(1);
    for (const section of sections) await runSection(bench, section);
    const kinds = (await kubectl("api-resources", "--verbs=list", "--output=name"))
      .split("\n")
      // Events expire by themselves.
      .filter((kind) => kind !== "" && !/^events(\.|$)/.test(kind));
    expect(kinds.length).toBeGreaterThan(40);
    const leftovers = async () =>
      (await kubectl("get", kinds.join(","), "--all-namespaces", "--output=name", "--ignore-not-found"))
        .split("\n")
        .filter((name) => /catalyst|sovereign|\borg-/.test(name));
    // The garbage collector and the aggregation layer follow within seconds.
    await eventually(async () => expect(await leftovers()).toEqual([]), 60_000);
  }, 240_000);
}
