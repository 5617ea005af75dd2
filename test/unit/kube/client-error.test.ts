import { describe, expect, it } from "vitest";
import {
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
  isTooManyRequests,
  isUnreachable,
  KubeError,
} from "../../../src/kube/error.ts";
import { describeFailure } from "../../../src/kube/failure.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { configMapAt, type Script, sendJson, sendRefusal } from "../../support/server/scripted-api.ts";
import { caught, useScriptedClients } from "../../support/server/scripted-client.ts";

const start = useScriptedClients();
const KEY = { name: "settings", namespace: "default" };
const found = configMapAt("settings", 7);

describe("the client's errors", () => {
  it.each([
    [404, "NotFound", isNotFound],
    [409, "Conflict", isConflict],
    [409, "AlreadyExists", isAlreadyExists],
    [410, "Expired", isGone],
    [403, "Forbidden", isForbidden],
    [422, "Invalid", isInvalid],
    [429, "TooManyRequests", isTooManyRequests],
  ])("classify %i %s by its status and reason", async (code, reason, is) => {
    const { client } = await start((_, response) => sendRefusal(response, code, reason));
    const error = await caught(client.create(CONFIG_MAPS, found));
    expect(is(error)).toBe(true);
    expect(error).toMatchObject({ status: code, reason });
    const others = [isNotFound, isConflict, isAlreadyExists, isGone, isForbidden, isInvalid, isUnreachable];
    expect(others.filter((other) => other !== is && other(error))).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["message", { message: {} }],
    ["reason", { reason: [] }],
    ["details", { details: "x" }],
    ["causes", { details: { causes: "x" } }],
    ["each cause", { details: { causes: [null, 7, { field: {}, message: "kept" }] } }],
    ["pause", { details: { retryAfterSeconds: "soon" } }],
    ["whole body", []],
  ])("have texts and lists, whatever form the answer's %s has", async (_what, body) => {
    const { client } = await start((_, response) => sendJson(response, 422, body as object));
    const error = await caught(client.replace(CONFIG_MAPS, found));
    expect([typeof error.serverMessage, typeof error.reason]).toEqual(["string", "string"]);
    expect(error.causes.flatMap((cause) => Object.values(cause)).every((it) => it === "kept")).toBe(true);
    expect(error.retryAfterMs).toBeUndefined();
    expect(describeFailure(error, 3)?.message).toContain("the API server answers 422");
  });

  it("are not thrown for an object that does not exist: get returns undefined, and delete returns false", async () => {
    const { client } = await start((_, response) => sendRefusal(response, 404, "NotFound"));
    expect(await client.get(CONFIG_MAPS, KEY)).toBeUndefined();
    expect(await client.delete(CONFIG_MAPS, KEY)).toBe(false);
  });

  it.each<[string, Script]>([
    ["cuts the connection before it answers", (_, response) => void response.socket?.destroy()],
    [
      "cuts it in the middle of its answer",
      (_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
        response.write('{"kind":');
        setTimeout(() => response.socket?.destroy(), 10);
      },
    ],
  ])("call a server unreachable that %s", async (_, script) => {
    const { api, client } = await start(script);
    expect(isUnreachable(await caught(client.create(CONFIG_MAPS, found)))).toBe(true);
    // A write that may have happened is not sent again.
    expect(api.requests).toHaveLength(1);
  });

  it("call a server unreachable that does not listen", async () => {
    const { api, client } = await start(() => {});
    await api.close();
    expect(isUnreachable(await caught(client.get(CONFIG_MAPS, KEY)))).toBe(true);
  });

  it("report an answer that is not JSON", async () => {
    const { client } = await start((_, response) => void response.end("<html>"));
    expect(await caught(client.get(CONFIG_MAPS, KEY))).toMatchObject({ status: 200, reason: "Unreadable" });
  });

  it("report the caller's abort reason, and not an unreachable server, when the caller aborts", async () => {
    const { client } = await start(() => {});
    const abort = new AbortController();
    const path = "/api/v1/namespaces/default/configmaps/settings";
    const call = caught(client.request({ method: "GET", path, signal: abort.signal }));
    setTimeout(() => abort.abort(), 20);
    expect(await call).not.toBeInstanceOf(KubeError);
  });

  it.each([
    ["no JSON", "<html>"],
    ["null", "null"],
    ["a list", "[]"],
  ])("have only the status when the body of a refusal is %s", async (_, body) => {
    const { client } = await start((_request, response) => {
      response.writeHead(502);
      response.end(body);
    });
    const error = await caught(client.get(CONFIG_MAPS, KEY));
    expect(error).toMatchObject({ status: 502, reason: "Unknown", causes: [], retryAfterMs: undefined });
    expect(error.message).toBe("GET /api/v1/namespaces/default/configmaps/settings: status 502");
  });

  it("report a read or a deletion that is refused for another reason than absence", async () => {
    const { client } = await start((_, response) => sendRefusal(response, 403, "Forbidden"));
    expect(isForbidden(await caught(client.get(CONFIG_MAPS, KEY)))).toBe(true);
    expect(isForbidden(await caught(client.delete(CONFIG_MAPS, KEY)))).toBe(true);
    expect(isForbidden(await caught(client.list(CONFIG_MAPS)))).toBe(true);
  });

  it("do not contain the token", async () => {
    const { client } = await start((_, response) => sendRefusal(response, 500, "InternalError"));
    const error = await caught(client.get(CONFIG_MAPS, KEY));
    expect(JSON.stringify(error) + error.message + error.stack).not.toContain("scripted");
  });
});
