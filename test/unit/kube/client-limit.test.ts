import { describe, expect, it } from "vitest";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { configMapAt, listOf, type Script, sendJson } from "../../support/server/scripted-api.ts";
import { caught, useScriptedClients } from "../../support/server/scripted-client.ts";

const start = useScriptedClients();
const KEY = { name: "settings", namespace: "default" };
const found = configMapAt("settings", 7);

describe("a client with a limit for answers", () => {
  const startLimited = (script: Script) => start(script, undefined, { maxAnswerBytes: 2_000 });
  const long = { ...found, data: { text: "x".repeat(2_000) } };

  it("reads an answer within the limit", async () => {
    const { client } = await startLimited((_, response) => sendJson(response, 200, found));
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
  });

  it.each([200, 500])("fails when an answer %i is longer, and the next call works", async (status) => {
    let calls = 0;
    const { client } = await startLimited((_, response) => {
      calls += 1;
      sendJson(response, calls === 1 ? status : 200, calls === 1 ? long : found);
    });
    const error = await caught(client.get(CONFIG_MAPS, KEY));
    expect([error.status, error.reason]).toEqual([0, "Unreachable"]);
    expect(error.message).toContain("the answer is longer than 2000 bytes");
    expect(await client.get(CONFIG_MAPS, KEY)).toEqual(found);
  });

  it("stops reading an answer that does not end", async () => {
    let sent = 0;
    const { client } = await startLimited((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const send = setInterval(() => {
        sent += 1;
        response.write("[".repeat(1_000));
      }, 5);
      response.once("close", () => clearInterval(send));
    });
    expect((await caught(client.get(CONFIG_MAPS, KEY))).message).toContain("longer than 2000 bytes");
    expect(sent).toBeLessThan(100);
  });

  it("lists in one piece, and fails when the server sends a part", async () => {
    const { api, client } = await startLimited((_, response) =>
      sendJson(response, 200, api.requests.length > 1 ? listOf([found], 9, "more") : listOf([found], 9)),
    );
    expect((await client.list(CONFIG_MAPS)).items).toHaveLength(1);
    await expect(client.list(CONFIG_MAPS)).rejects.toThrow(
      "the server sent a part of its configmaps, and was asked for all",
    );
    expect(api.requests.map(({ query }) => query.has("limit"))).toEqual([false, false]);
  });
});
