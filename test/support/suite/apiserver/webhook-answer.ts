import { setTimeout as delay } from "node:timers/promises";
import type { Answer as WebhookAnswer } from "../../server/webhook-server.ts";

interface ReviewedRequest {
  object?: { data?: Record<string, string> };
}

const patchOf = (...operations: object[]) => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
});

const ANSWERS: Record<string, (request: ReviewedRequest) => object> = {
  "/allow": () => ({ allowed: true }),
  "/deny": () => ({ allowed: false, status: { code: 403, reason: "Forbidden", message: "it is closed" } }),
  "/deny-without-status": () => ({ allowed: false }),
  "/deny-400": () => ({ allowed: false, status: { code: 400, reason: "BadRequest", message: "look again" } }),
  "/warn": () => ({ allowed: true, warnings: ["first", "second"] }),
  "/annotate": () => ({ allowed: true, auditAnnotations: { why: "because" } }),
  "/wrong-uid": () => ({ uid: "another", allowed: true }),
  "/mutate": () => patchOf({ op: "add", path: "/metadata/annotations", value: { mutated: "yes" } }),
  "/shrink": () => patchOf({ op: "replace", path: "/spec/size", value: 7 }),
  "/broken-patch": () => patchOf({ op: "remove", path: "/spec/absent" }),
  // Each of the two webhooks adds a key when the other's key is there, so the first one needs a second call.
  "/when-second": ({ object }) =>
    object?.data?.second === undefined
      ? { allowed: true }
      : patchOf({ op: "add", path: "/data/first", value: "after" }),
  "/second": ({ object }) =>
    object?.data?.second === undefined
      ? patchOf({ op: "add", path: "/data/second", value: "yes" })
      : { allowed: true },
};

/** The answers of the suite's webhook. The path of a call names its answer. */
export const webhookAnswer: WebhookAnswer = async (request, path) => {
  const [route = ""] = path.split("?");
  if (route === "/slow") await delay(1_500);
  if (route === "/garbage") return { status: 200, body: "not a review" };
  if (route === "/error") return { status: 500, body: "it fell" };
  const answer = ANSWERS[route] ?? (() => ({ allowed: true }));
  return { response: answer(request as ReviewedRequest) as Record<string, unknown> };
};
