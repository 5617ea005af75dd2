import type { ServerResponse } from "node:http";
import { stringify } from "yaml";
import type { AnswerForm } from "../media-type.ts";
import type { JsonObject } from "../object.ts";
import type { StatusError } from "../status.ts";

/** The answer to one request: collects warnings, then is sent once. */
export interface Answer {
  warn(text: string): void;
  send(code: number, body: JsonObject): void;
  text(code: number, body: string, contentType?: string): void;
  refuse(error: StatusError): void;
  /** Sends the warnings as headers; a stream writes its own head afterwards. */
  writeWarnings(): void;
}

const MAX_WARNING_LENGTH = 256;
const MAX_WARNINGS = 32;

export function createAnswer(response: ServerResponse, form: () => AnswerForm): Answer {
  const warnings: string[] = [];

  function writeWarnings(): void {
    if (warnings.length > 0) {
      response.setHeader(
        "Warning",
        warnings.map((text) => `299 - "${text.replaceAll(/[\r\n]+/g, " ").replaceAll(/["\\]/g, "\\$&")}"`),
      );
    }
  }

  function end(code: number, body: string, contentType: string): void {
    writeWarnings();
    response.writeHead(code, {
      "Content-Type": contentType,
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-cache, private",
    });
    response.end(body);
  }

  const answer: Answer = {
    warn(text) {
      // HTTP headers allow only Latin-1 without control characters, and have a size limit.
      const plain = text.replaceAll(/[^\x20-\x7e\n]/g, "?").slice(0, MAX_WARNING_LENGTH);
      if (!warnings.includes(plain) && warnings.length < MAX_WARNINGS) warnings.push(plain);
    },
    send(code, body) {
      if (form().encoding === "yaml") end(code, stringify(body), "application/yaml");
      else end(code, `${JSON.stringify(body)}\n`, "application/json");
    },
    text: (code, body, contentType = "text/plain; charset=utf-8") => end(code, body, contentType),
    refuse(error) {
      const { retryAfterSeconds } = error.details ?? {};
      if (retryAfterSeconds !== undefined) response.setHeader("Retry-After", String(retryAfterSeconds));
      if (error.code === 401) response.setHeader("WWW-Authenticate", 'Bearer realm="kubernetes"');
      end(error.code, `${JSON.stringify(error.toStatus())}\n`, "application/json");
    },
    writeWarnings,
  };
  return answer;
}
