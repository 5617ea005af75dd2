export interface VoucherResponse {
  status: number;
  contentType: string;
  text: string;
  /** The parsed body; undefined when it is not JSON. */
  json: unknown;
}

export interface VoucherRequest {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  token?: string;
  body?: unknown;
  idempotencyKey?: string;
}

const TIMEOUT_MS = 10_000;

/** Sends a request to a voucher API. Returns a response of any status; throws only when the connection fails. */
export async function callVoucherApi(
  baseUrl: string,
  path: string,
  request: VoucherRequest = {},
): Promise<VoucherResponse> {
  const { token, body, idempotencyKey } = request;
  const response = await fetch(new URL(path, baseUrl), {
    method: request.method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
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
