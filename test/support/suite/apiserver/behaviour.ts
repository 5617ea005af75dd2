import type { WebhookServer } from "../../server/webhook-server.ts";
import type { Answer, Connection } from "./connection.ts";

/** The means of a behaviour. */
export interface Bench extends Connection {
  /** Of this behaviour alone. The namespace of this name exists. */
  name: string;
  /** `/api/v1/namespaces/<name>` */
  core: string;
  /** `/apis/<groupVersion>/namespaces/<name>` */
  group(groupVersion: string): string;
  /** The path of the custom kind in the namespace. */
  gadgets: string;
  webhook: WebhookServer;
  /** Removes every state before a resourceVersion. Not for the embedded API server, which does so by itself. */
  compact(resourceVersion: string): Promise<void>;
}

/** The embedded API server refuses a request, instead of pretending, in these words. Numbers in them are `<number>`. */
export interface Refusal {
  code: 400 | 404 | 405 | 422 | 501 | 504;
  message: string;
  request(bench: Bench): Promise<Answer>;
}

/** The embedded API server has the behaviour under other conditions. The named test shows it. */
export interface TestedElsewhere {
  why: string;
  tested: string;
}

/** One behaviour that our code, `kubectl`, `helm` or an administrator relies on. */
export interface Behaviour {
  /** A sentence in the present tense about an API server. */
  sentence: string;
  observe(bench: Bench): Promise<unknown>;
  /** What `observe` returns on each API server. */
  expected: unknown;
  /** A recorded difference of the embedded API server. */
  difference?: Refusal | TestedElsewhere;
}

/** Behaviours that belong together. */
export interface Area {
  title: string;
  behaviours: Behaviour[];
}

export function behaviour(
  sentence: string,
  observe: (bench: Bench) => Promise<unknown>,
  expected: unknown,
  difference?: Refusal | TestedElsewhere,
): Behaviour {
  return { sentence, observe, expected, ...(difference === undefined ? {} : { difference }) };
}

/** `422 Invalid [spec.size FieldValueInvalid]`: the parts of an answer that programs read. `201` for a success. */
export function outcome({ status, body }: Answer): string {
  if (status < 300) return String(status);
  const causes = ((body.details?.causes ?? []) as { field?: string; reason?: string }[]).map(
    ({ field, reason }) => [field, reason].filter((part) => part !== undefined).join(" "),
  );
  // Some API servers find one problem twice.
  const problems = [...new Set(causes)].filter((cause) => cause !== "").sort();
  const reason = body.reason ? [body.reason] : [];
  return [status, ...reason, ...(problems.length === 0 ? [] : [`[${problems.join(", ")}]`])].join(" ");
}

/** `outcome`, and the message that a person reads. */
export function words(answer: Answer): string {
  return answer.status < 300 ? String(answer.status) : `${outcome(answer)}: ${answer.body.message}`;
}

export function lease(name: string, spec: object = {}, metadata: object = {}) {
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, ...metadata }, spec };
}

export function gadget(name: string, spec: object = {}, metadata: object = {}) {
  return {
    apiVersion: "conformance.example.org/v1",
    kind: "Gadget",
    metadata: { name, ...metadata },
    spec: { size: 1, ...spec },
  };
}
