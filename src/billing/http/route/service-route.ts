import Type from "typebox";
import type { Registry } from "../../../platform/metrics.ts";
import { isKnown, TAG } from "../entity-tag.ts";
import type { ApiDocument } from "../openapi.ts";
import { type Answer, json, type Operation, operation } from "../operation.ts";
import { NotReadyAnswer, ReadyAnswer } from "../schema/state.ts";

export interface Readiness {
  ready: boolean;
  body: Record<string, unknown>;
}

const OkText = Type.Object({ status: Type.Literal("ok") }, { additionalProperties: false });

/** The API's description, health and metrics. `apiDocument` is called after all operations are known. */
export function serviceOperations(deps: {
  readiness: () => Promise<Readiness>;
  registry: Registry;
  apiDocument: () => ApiDocument;
}): Operation[] {
  const { readiness, registry, apiDocument } = deps;
  return [
    operation({
      id: "readApi",
      method: "get",
      path: "/openapi.json",
      summary: "This document",
      access: "anyone",
      answers: { 200: Type.Object({}), 304: [] },
      answerHeaders: TAG,
      async handle({ headers: asked }): Promise<Answer> {
        const { text, etag } = apiDocument();
        const headers = { "Cache-Control": "no-cache", ETag: etag };
        return isKnown(asked, etag)
          ? { kind: "empty", status: 304, headers }
          : { kind: "text", status: 200, contentType: "application/json; charset=utf-8", text, headers };
      },
    }),
    operation({
      id: "checkLiveness",
      method: "get",
      path: "/healthz",
      summary: "Whether the process answers",
      access: "anyone",
      answers: { 200: OkText },
      handle: async () => json({ status: "ok" }),
    }),
    operation({
      id: "checkReadiness",
      method: "get",
      path: "/readyz",
      summary: "Whether the database answers, and its schema, measured at most 30 seconds ago",
      access: "anyone",
      answers: { 200: ReadyAnswer, 503: NotReadyAnswer },
      async handle() {
        const { ready, body } = await readiness();
        return json(body, ready ? 200 : 503);
      },
    }),
    operation({
      id: "readMetrics",
      method: "get",
      path: "/metrics",
      summary: "Metrics in the Prometheus text format",
      access: "anyone",
      answers: { 200: "text/plain" },
      handle: async (): Promise<Answer> => ({
        kind: "text",
        status: 200,
        contentType: registry.contentType,
        text: await registry.metrics(),
      }),
    }),
  ];
}
