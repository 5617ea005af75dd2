import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { createStatusWriter } from "../../../src/kube/status.ts";
import { condition, sovereign } from "../../support/builder/catalyst-object.ts";

describe("createStatusWriter", () => {
  it("logs one line when the status or the reason of Ready changes, and none otherwise", async () => {
    const lines: { msg: string; key: string; ready: string; reason: string; was?: string }[] = [];
    const cached = sovereign("omantel");
    const own = { ...cached, metadata: { ...cached.metadata, resourceVersion: "1" } };
    let version = 1;
    const client = {
      apply: async (_resource: unknown, object: Sovereign) => {
        version += 1;
        return { ...object, metadata: { ...own.metadata, resourceVersion: String(version) } };
      },
    } as unknown as KubeClient;
    const writer = createStatusWriter<Sovereign>(
      {
        client,
        fieldManager: "us",
        logger: pino({}, { write: (line) => void lines.push(JSON.parse(line)) }),
      },
      resourceOf(SOVEREIGN),
    );
    const ready = (status: "True" | "False", reason: string, message = "") => ({
      conditions: [{ ...condition("Ready", status), reason, message }],
    });
    await writer.write(own, ready("False", "RollingOut", "1 of 2"));
    await writer.write(own, ready("False", "RollingOut", "2 of 2"));
    await writer.write(own, ready("False", "RollingOut", "2 of 2"));
    await writer.write(own, ready("True", "Verified"));
    await writer.write(own, {});
    await writer.write(own, ready("False", "Announced"), true);
    expect(lines.map(({ msg, key, ready, reason, was }) => [msg, key, ready, reason, was])).toEqual([
      ["status changed", "omantel", "False", "RollingOut", undefined],
      ["status changed", "omantel", "True", "Verified", "RollingOut"],
    ]);
  });
});
