import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPodLog, podLogFile } from "../../../../src/playground/process/pod-log.ts";
import { MERGE } from "../../../support/server/api-request.ts";
import { agentOf, startTestApiServer, type TestApiServer } from "../../../support/server/apiserver.ts";

const PODS = "/api/v1/namespaces/default/pods";
const pod = (name: string, containers = ["app"], nodeName = "playground") => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    ...(nodeName === "" ? {} : { nodeName }),
    containers: containers.map((container) => ({ name: container, image: "example.org/app:1" })),
  },
});

describe("pods/log", () => {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-pod-log-"));
  let api: TestApiServer;
  const fileOf = (name: string) => podLogFile(folder, "default", name, "app");
  const logs = (name: string, query = "") => api.send("GET", `${PODS}/${name}/log${query}`);
  const writeStatus = (name: string, status: object) =>
    api.must("PATCH", `${PODS}/${name}/status`, { status }, MERGE);

  beforeAll(async () => {
    api = await startTestApiServer({ podLog: createPodLog(folder) });
    await api.must("POST", PODS, pod("web"));
    writeFileSync(fileOf("web"), "one\ntwo\nthree\n");
  });
  afterAll(async () => {
    await api.dispose();
    rmSync(folder, { recursive: true });
  });

  it("returns the container's output", async () => {
    expect(await logs("web")).toMatchObject({ status: 200, body: "one\ntwo\nthree\n" });
  });

  it.each([
    [0, ""],
    [1, "three\n"],
    [2, "two\nthree\n"],
    [9, "one\ntwo\nthree\n"],
  ])("returns the last %i lines", async (count, text) => {
    expect((await logs("web", `?tailLines=${count}`)).body).toBe(text);
  });

  it("finds the tail of a log of many blocks", async () => {
    await api.must("POST", PODS, pod("talkative"));
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ${"x".repeat(20)}\n`);
    writeFileSync(fileOf("talkative"), lines.join(""));
    expect((await logs("talkative", "?tailLines=5000")).body).toBe(lines.slice(-5000).join(""));
    expect((await logs("talkative")).body).toBe(lines.join(""));
  });

  it("follows the log until the Pod has ended", async () => {
    await api.must("POST", PODS, pod("job"));
    writeFileSync(fileOf("job"), "first\n");
    await writeStatus("job", { phase: "Running" });
    const { body } = await request(`${api.server.url}${PODS}/job/log?follow=true`, {
      dispatcher: agentOf(api.server.caPem, api.server.adminKubeconfig),
    });
    let text = "";
    for await (const chunk of body) {
      text += chunk;
      if (text === "first\n") appendFileSync(fileOf("job"), "second\n");
      else await writeStatus("job", { phase: "Succeeded" });
    }
    expect(text).toBe("first\nsecond\n");
  });

  it("returns an empty log for a container that wrote nothing", async () => {
    await api.must("POST", PODS, pod("silent"));
    expect(await logs("silent")).toMatchObject({ status: 200, body: "" });
  });

  it.each<[string, object, object | undefined, string, number, string]>([
    [
      "has no node",
      pod("unbound", ["app"], ""),
      undefined,
      "",
      400,
      "pod unbound does not have a host assigned",
    ],
    [
      "has not started",
      pod("pulling"),
      {
        containerStatuses: [
          {
            name: "app",
            image: "",
            imageID: "",
            ready: false,
            restartCount: 0,
            state: { waiting: { reason: "ImagePullBackOff" } },
          },
        ],
      },
      "",
      400,
      'container "app" in pod "pulling" is waiting to start: ImagePullBackOff',
    ],
    ["has several containers", pod("pair", ["a", "b"]), undefined, "", 400, "choose one of: [a b]"],
    [
      "is asked for times",
      pod("timed"),
      undefined,
      "?timestamps=true",
      501,
      "does not serve timestamps of pods/log",
    ],
    [
      "is asked for a run before",
      pod("again"),
      undefined,
      "?previous=true",
      501,
      "does not serve previous of pods/log",
    ],
  ])("is refused for a Pod that %s", async (_, body, status, query, code, words) => {
    const { name } = (body as ReturnType<typeof pod>).metadata;
    await api.must("POST", PODS, body);
    if (status !== undefined) await writeStatus(name, status);
    const answer = await logs(name, query);
    expect([answer.status, answer.body.message]).toEqual([code, expect.stringContaining(words)]);
  });

  it("is in discovery only where it is served", async () => {
    const announced = async (server: TestApiServer) =>
      (await server.must("GET", "/api/v1")).resources.some(
        ({ name }: { name: string }) => name === "pods/log",
      );
    const without = await startTestApiServer();
    expect([await announced(api), await announced(without)]).toEqual([true, false]);
    await without.dispose();
  });
});
