import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configMap } from "../../../support/builder/api-object.ts";
import { MERGE, sendTo } from "../../../support/server/api-request.ts";
import { agentOf, defineWidgets, startTestApiServer, widget } from "../../../support/server/apiserver.ts";
import { eventually } from "../../../support/wait.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const SERVER = resolve(import.meta.dirname, "../../../../src/playground/apiserver/index.ts");

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "catalyst-restart-"));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

describe("restart", () => {
  it("keeps every object, version, CRD and credential", async () => {
    const first = await startTestApiServer({ stateDir });
    await defineWidgets(first);
    const kept = await first.must("POST", CONFIG_MAPS, configMap("kept", { a: "1" }));
    await first.must("POST", "/apis/example.org/v1/namespaces/default/widgets", widget("w", { size: 3 }));
    await first.must("POST", CONFIG_MAPS, configMap("dropped"));
    await first.must("DELETE", `${CONFIG_MAPS}/dropped`);
    const before = await first.must("GET", CONFIG_MAPS);
    const token = await first.server.mintServiceAccountToken("default", "default");
    const { caPem } = first.server;
    await first.stop();

    const second = await startTestApiServer({ stateDir });
    try {
      expect(await second.must("GET", `${CONFIG_MAPS}/kept`)).toEqual(kept);
      expect((await second.send("GET", `${CONFIG_MAPS}/dropped`)).status).toBe(404);
      expect((await second.must("GET", "/apis/example.org/v1/namespaces/default/widgets/w")).spec.size).toBe(
        3,
      );
      const after = await second.must("POST", CONFIG_MAPS, configMap("later"));
      expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(Number(before.metadata.resourceVersion));
      expect(second.server.caPem).toBe(caPem);
      const review = await second.must("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
        spec: { token },
      });
      expect(review.status).toMatchObject({
        authenticated: true,
        user: { username: "system:serviceaccount:default:default" },
      });
    } finally {
      await second.stop();
    }
  });

  it("drops only the line that the process was writing when it ended", async () => {
    const first = await startTestApiServer({ stateDir });
    await first.must("POST", CONFIG_MAPS, configMap("whole"));
    await first.stop();
    appendFileSync(join(stateDir, "journal.jsonl"), '{"op":"put","storage":"/configmaps","obj');
    const second = await startTestApiServer({ stateDir });
    try {
      expect((await second.send("GET", `${CONFIG_MAPS}/whole`)).status).toBe(200);
      await second.must("POST", CONFIG_MAPS, configMap("next"));
    } finally {
      await second.stop();
    }
    const third = await startTestApiServer({ stateDir });
    expect((await third.send("GET", `${CONFIG_MAPS}/next`)).status).toBe(200);
    await third.stop();
  });

  it("loses no acknowledged write after kill -9", async () => {
    const script = `
      import { createApiServer } from ${JSON.stringify(SERVER)};
      const server = await createApiServer({ stateDir: ${JSON.stringify(stateDir)} });
      process.stdout.write(JSON.stringify({ url: server.url, kubeconfig: server.adminKubeconfig, caPem: server.caPem }));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    const [text] = (await once(child.stdout, "data")) as [Buffer];
    const { url, caPem, kubeconfig } = JSON.parse(text.toString());
    const agent = agentOf(caPem, kubeconfig);
    const acknowledged: string[] = [];
    const writing = (async () => {
      for (let index = 0; ; index++) {
        const answer = await sendTo({ url }, agent, "POST", CONFIG_MAPS, {
          body: configMap(`cm-${index}`),
        }).catch(() => undefined);
        if (answer === undefined) return;
        if (answer.status === 201) acknowledged.push(`cm-${index}`);
        if (index === 40) child.kill("SIGKILL");
      }
    })();
    await Promise.all([writing, exited]);
    await agent.destroy();

    const again = await startTestApiServer({ stateDir });
    try {
      const { items } = await again.must("GET", CONFIG_MAPS);
      const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
      expect(names).toEqual(expect.arrayContaining(acknowledged));
      expect(acknowledged.length).toBeGreaterThan(40);
    } finally {
      await again.stop();
    }
  });

  it("finishes a deletion after a restart", async () => {
    const first = await startTestApiServer({ stateDir });
    const path = "/api/v1/namespaces/half/configmaps/slow";
    await first.must("POST", "/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "half" },
    });
    await first.must(
      "POST",
      "/api/v1/namespaces/half/configmaps",
      configMap("slow", {}, { finalizers: ["example.org/x"] }),
    );
    await first.must("DELETE", "/api/v1/namespaces/half");
    await first.stop();
    const second = await startTestApiServer({ stateDir });
    try {
      await second.must("PATCH", path, { metadata: { finalizers: null } }, MERGE);
      await eventually(async () =>
        expect((await second.send("GET", "/api/v1/namespaces/half")).status).toBe(404),
      );
    } finally {
      await second.stop();
    }
  });

  it("keeps the journal small and readable only by its owner", async () => {
    const first = await startTestApiServer({ stateDir });
    await first.must("POST", CONFIG_MAPS, configMap("busy"));
    for (let index = 0; index < 200; index++) {
      await first.must("PATCH", `${CONFIG_MAPS}/busy`, { data: { index: `${index}` } }, MERGE);
    }
    await first.stop();
    const journal = join(stateDir, "journal.jsonl");
    const grown = statSync(journal).size;
    await (await startTestApiServer({ stateDir })).stop();
    expect(statSync(journal).size).toBeLessThan(grown / 2);
    expect(statSync(journal).mode & 0o077).toBe(0);
    expect(readFileSync(journal, "utf8")).toContain('"index":"199"');
  });
});
