export interface Answer {
  status: number;
  contentType: string;
  text: string;
  /** The parsed body, or undefined when it is no JSON. */
  json: unknown;
}

export interface Question {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  token?: string;
  body?: unknown;
  idempotencyKey?: string;
}

const ANSWER_TIMEOUT_MS = 10_000;

/** Asks a voucher API over HTTP, as curl would. Answers of any status are values; only a broken connection throws. */
export async function ask(baseUrl: string, path: string, question: Question = {}): Promise<Answer> {
  const { token, body, idempotencyKey } = question;
  const response = await fetch(new URL(path, baseUrl), {
    method: question.method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const text = await response.text();
  const contentType = response.headers.get("content-type") ?? "";
  return {
    status: response.status,
    contentType,
    text,
    json: contentType.includes("json") ? JSON.parse(text) : undefined,
  };
}
