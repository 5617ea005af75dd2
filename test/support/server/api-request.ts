import { type Dispatcher, request } from "undici";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { DEPLOYMENTS, pathOf, SECRETS } from "../../../src/kube/resource.ts";

export const APPLY = "application/apply-patch+yaml";
export const MERGE = "application/merge-patch+json";
export const STRATEGIC = "application/strategic-merge-patch+json";
export const JSON_PATCH = "application/json-patch+json";

export interface TestAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** The decoded JSON, or the text of another media type. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind
  body: any;
}

export interface SendOptions {
  body?: unknown;
  contentType?: string;
  headers?: Record<string, string>;
}

/** Sends a request to the API server. A text is sent as it is, and any other body as JSON. */
export async function sendTo(
  server: { url: string },
  dispatcher: Dispatcher,
  method: string,
  path: string,
  { body, contentType = "application/json", headers = {} }: SendOptions = {},
): Promise<TestAnswer> {
  const answer = await request(`${server.url}${path}`, {
    method: method as "GET",
    dispatcher,
    headers: { ...(body === undefined ? {} : { "content-type": contentType }), ...headers },
    body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await answer.body.text();
  const isJson = String(answer.headers["content-type"]).startsWith("application/json");
  return { status: answer.statusCode, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}

/** Edits the image of a Sovereign's billing, as `kubectl set image` does. */
export const editBillingImage = (client: KubeClient, namespace: string, image: string): Promise<unknown> =>
  client.request({
    method: "PATCH",
    path: pathOf(DEPLOYMENTS, { namespace, name: "billing" }),
    contentType: STRATEGIC,
    body: { spec: { template: { spec: { containers: [{ name: "billing", image }] } } } },
  });

/** Writes a Secret with these values, as a person does. */
export async function provideSecret(
  client: KubeClient,
  namespace: string,
  name: string,
  values: Record<string, string>,
): Promise<void> {
  await client.apply<KubernetesObject & { stringData: Record<string, string> }>(
    SECRETS,
    { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData: values },
    { fieldManager: "somebody" },
  );
}

/** The events of a watch until `enough` says so, or the watch ends. */
export async function readEvents<T>(
  stream: AsyncIterable<unknown>,
  enough: (events: T[]) => boolean,
): Promise<T[]> {
  const events: T[] = [];
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) events.push(JSON.parse(line));
    if (enough(events)) break;
  }
  return events;
}
