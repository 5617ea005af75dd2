import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/playground/apiserver/object.ts";
import {
  ALLOW,
  creation,
  refusal,
  useAdmissionWebhooks,
  webhook,
} from "../../../support/server/admission-webhook.ts";

const { serve, chainOf } = useAdmissionWebhooks();

describe("a mutating webhook", () => {
  const adding = (name: string, value: unknown) =>
    Buffer.from(JSON.stringify([{ op: "add", path: `/spec/${name}`, value }])).toString("base64");
  const patch = (name: string, value: unknown) => ({
    response: { allowed: true, patchType: "JSONPatch", patch: adding(name, value) },
  });

  it("changes the object before the next webhook receives it", async () => {
    const server = await serve((request, path) =>
      path.startsWith("/first")
        ? patch("first", true)
        : patch("saw", (request.object as { spec: JsonObject }).spec.first),
    );
    const at = (path: string) => ({ url: `${server.url}${path}`, caBundle: server.caBundle });
    const chain = chainOf({
      mutating: [
        webhook(server, { clientConfig: at("/first") }),
        webhook(server, { clientConfig: at("/second") }),
      ],
    });
    const { object } = await chain.mutate(creation());
    expect(object?.spec).toEqual({ first: true, saw: true });
  });

  it("is called again when a later webhook changed the object and its reinvocationPolicy is IfNeeded", async () => {
    const calls: string[] = [];
    const server = await serve((_, path) => {
      calls.push(path.replace(/\?.*/, ""));
      return path.startsWith("/b") ? patch("b", 1) : ALLOW;
    });
    const hook = (path: string, reinvocationPolicy: "Never" | "IfNeeded") =>
      webhook(server, {
        reinvocationPolicy,
        clientConfig: { url: `${server.url}${path}`, caBundle: server.caBundle },
      });
    await chainOf({
      mutating: [
        hook("/a", "IfNeeded"),
        hook("/never", "Never"),
        hook("/b", "IfNeeded"),
        hook("/c", "IfNeeded"),
      ],
    }).mutate(creation());
    expect(calls).toEqual(["/a", "/never", "/b", "/c", "/a"]);
  });

  it("refuses a webhook's patch of an object that is being deleted", async () => {
    const server = await serve(() => patch("a", 1));
    const request = creation({ operation: "DELETE", object: null, oldObject: creation().object });
    expect(await refusal(chainOf({ mutating: [webhook(server)] }).mutate(request))).toMatchObject({
      code: 500,
      message:
        'Internal error occurred: admission webhook "guard.example.com" attempted to modify the object, which is not supported for this operation',
    });
  });

  it.each([
    [{ patch: "W10=" }, "webhook returned response.patch but not response.patchType"],
    [{ patchType: "JSONPatch" }, "webhook returned response.patchType but not response.patch"],
    [{ patch: "W10=", patchType: "Merge" }, 'webhook returned invalid response.patchType of "Merge"'],
    [{ patch: "bm8=", patchType: "JSONPatch" }, "received undecodable patch in webhook response"],
  ])("fails with the answer %o", async (answer, expected) => {
    const server = await serve(() => ({ response: { allowed: true, ...answer } }));
    const status = await refusal(chainOf({ mutating: [webhook(server)] }).mutate(creation()));
    expect(status.message).toBe(
      `Internal error occurred: failed calling webhook "guard.example.com": received invalid webhook response: ${expected}`,
    );
  });

  it("runs before the object's validation, and validating webhooks run after it", async () => {
    const order: string[] = [];
    const server = await serve((_, path) => {
      order.push(path.startsWith("/m") ? "mutating" : "validating");
      return path.startsWith("/m") ? patch("a", 1) : ALLOW;
    });
    const chain = chainOf({
      mutating: [webhook(server, { clientConfig: { url: `${server.url}/m`, caBundle: server.caBundle } })],
      validating: [webhook(server)],
    });
    const { object } = await chain.admit(creation(), () => order.push("object"));
    expect(order).toEqual(["mutating", "object", "validating"]);
    expect(object?.spec).toEqual({ a: 1 });
  });
});
