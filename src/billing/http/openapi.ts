import { createHash } from "node:crypto";
import { STATUS_CODES } from "node:http";
import Type, { type TSchema } from "typebox";
import { EXAMPLES, PROBLEM_EXAMPLE } from "./example.ts";
import { accessOf, type Operation } from "./operation.ts";
import { problemsByStatus } from "./operation-problem.ts";
import { PROBLEMS, type ProblemCode } from "./problem-table.ts";
import { ProblemAnswer } from "./schema/state.ts";

/** Groups of operations, by the beginning of their paths. The last group has all other operations. */
const TAGS: readonly { name: string; description: string; paths: readonly string[] }[] = [
  {
    name: "vouchers",
    description: "Issue, list, revoke and preview vouchers, and the page that shows a voucher.",
    paths: ["/billing/vouchers/", "/redeem"],
  },
  {
    name: "promos",
    description: "The same vouchers under the earlier service's paths, which the existing admin UI uses.",
    paths: ["/billing/admin/promos"],
  },
  {
    name: "administration",
    description:
      "Orders, revenue, redemptions, balances and settings of the Sovereign, and the page that shows them.",
    paths: ["/billing/admin/", "/admin"],
  },
  {
    name: "service",
    description: "Health, metrics, error codes and this description.",
    paths: ["/billing/errors", "/healthz", "/readyz", "/metrics", "/openapi.json"],
  },
  {
    name: "customers",
    description: "Checkout, credit, subscriptions and invoices of the signed-in customer.",
    paths: ["/"],
  },
];

const PARAMETERS: Readonly<Record<string, string>> = {
  code: "A voucher's code. Case and surrounding blanks do not count.",
  tenantId: "The tenant's id.",
  orderId: "The order's id.",
  limit: "The largest number of entries to return.",
  version: "The version of all parts of the page together. The page contains it.",
  file: "The module's file name.",
};

const CONDITIONS: Readonly<Record<string, string>> = {
  "If-Match":
    "The `ETag` of the voucher as it was read. The change is refused when the voucher has changed since. `*`: it exists.",
  "If-None-Match": "`*`: only create. The request is refused when a live voucher has the code.",
};

const REQUEST_ID = { "X-Request-Id": { $ref: "#/components/headers/RequestId" } };

/**
 * The API's description, from the same operations and schemas that route and validate requests. It does not depend on the
 * Sovereign, so that equal programs have equal documents and equal fingerprints.
 */
function describeApi(operations: readonly Operation[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describeOperation(operation) };
  }
  const used = new Set(operations.map(({ path }) => tagOf(path)));
  const document = {
    openapi: "3.1.0",
    info: {
      title: "Catalyst billing: the voucher API",
      version: "1.0.0",
      description:
        "Vouchers, checkout, credit and orders of one Sovereign. Members in `_baisa` are integers: thousandths of the Sovereign's currency. Members in `_omr` are the same amounts in units of it, also where it is not OMR.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The Sovereign that serves this document." }],
    security: [],
    tags: TAGS.filter(({ name }) => used.has(name)).map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      schemas: { Problem: { ...ProblemAnswer, examples: [PROBLEM_EXAMPLE] } },
      headers: {
        RequestId: {
          description: "The request's id in the logs: the caller's UUID if it sent one.",
          required: true,
          schema: Type.String(),
        },
      },
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description:
            "A token of the Sovereign's issuer, of the operator, or of the earlier sign-in service.",
        },
      },
    },
  };
  // A round trip through JSON drops TypeBox's own symbols.
  return JSON.parse(JSON.stringify(document));
}

/** The description as it is served. It is written once, because only a new program changes it. */
export interface ApiDocument {
  text: string;
  etag: string;
}

export function writeApi(operations: readonly Operation[]): ApiDocument {
  const text = JSON.stringify(describeApi(operations));
  return { text, etag: `"${createHash("sha256").update(text).digest("base64url")}"` };
}

function tagOf(path: string): string {
  if (path === "/") return "vouchers";
  return TAGS.find(({ paths }) => paths.some((start) => path.startsWith(start)))?.name ?? "customers";
}

function describeOperation(operation: Operation): Record<string, unknown> {
  const parameters = describeParameters(operation);
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: [tagOf(operation.path)],
    ...(operation.access === "anyone" ? {} : { security: [{ bearer: [] }] }),
    ...(Array.isArray(operation.access) ? { "x-roles": accessOf(operation) } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(operation.body === undefined ? {} : { requestBody: describeBody(operation) }),
    responses: describeResponses(operation),
  };
}

function describeParameters(operation: Operation): unknown[] {
  const { path, query = {}, takesIdempotencyKey, conditions = [] } = operation;
  const describe = (name: string, place: string, schema: TSchema, description = PARAMETERS[name]) => ({
    name,
    in: place,
    required: place === "path",
    ...(description === undefined ? {} : { description }),
    schema,
  });
  const described = ({ description }: { description?: unknown }) =>
    typeof description === "string" ? description : undefined;
  const conditionOf = (name: string) =>
    describe(name, "header", Type.String({ maxLength: 1_000 }), CONDITIONS[name]);
  return [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) =>
      describe(name, "path", Type.String({ minLength: 1 })),
    ),
    ...Object.entries(query).map(([name, schema]) => describe(name, "query", schema, described(schema))),
    ...(takesIdempotencyKey
      ? [
          describe(
            "Idempotency-Key",
            "header",
            Type.String({ pattern: "^[\\x21-\\x7e]{1,255}$" }),
            "Requests with the same key and body have one effect and get the same answer. Keys are per user.",
          ),
        ]
      : []),
    ...conditions.map(conditionOf),
  ];
}

function describeBody({ id, body }: Operation): unknown {
  const example = EXAMPLES[id]?.body;
  const schema = body === "raw" ? {} : body;
  return {
    required: true,
    content: { "application/json": { schema, ...(example === undefined ? {} : { example }) } },
  };
}

/** Answers and problems by status. A status may have both: their content types differ. */
function describeResponses(operation: Operation): Record<string, unknown> {
  const problems = problemsByStatus(operation);
  const statuses = new Set([...Object.keys(operation.answers).map(Number), ...problems.keys()]);
  return Object.fromEntries(
    [...statuses]
      .sort((a, b) => a - b)
      .map((status) => {
        const codes = problems.get(status) ?? [];
        const answer = operation.answers[status];
        const sentences = codes.map((code) => `${code}: ${PROBLEMS[code].title}.`);
        if (answer !== undefined)
          sentences.unshift(`${status < 400 ? operation.summary : STATUS_CODES[status]}.`);
        return [
          status,
          {
            description: sentences.join(" "),
            headers: describeHeaders(operation, status, codes.length > 0),
            content: {
              ...(answer === undefined ? {} : describeAnswer(operation, answer)),
              ...(codes.length === 0
                ? {}
                : { "application/problem+json": { schema: describeProblem(codes) } }),
            },
          },
        ];
      }),
  );
}

function describeAnswer({ id }: Operation, answer: Operation["answers"][number]): Record<string, unknown> {
  const example = EXAMPLES[id]?.answer;
  return Object.fromEntries(
    [answer]
      .flat()
      .map((kind) =>
        typeof kind === "string"
          ? [kind, { schema: { type: "string" } }]
          : ["application/json", { schema: kind, ...(example === undefined ? {} : { example }) }],
      ),
  );
}

function describeProblem(codes: readonly ProblemCode[]): unknown {
  return { allOf: [{ $ref: "#/components/schemas/Problem" }], properties: { code: { enum: codes } } };
}

function describeHeaders(
  { answerHeaders = {} }: Operation,
  status: number,
  hasProblems: boolean,
): Record<string, unknown> {
  const header = (description: string) => ({ description, schema: { type: "string" } });
  return {
    ...REQUEST_ID,
    ...(status >= 400
      ? {}
      : Object.fromEntries(
          Object.entries(answerHeaders).map(([name, description]) => [name, header(description)]),
        )),
    ...(status === 401
      ? { "WWW-Authenticate": header("The authentication scheme, and whether the token was invalid.") }
      : {}),
    ...(status === 429 || (status === 503 && hasProblems)
      ? { "Retry-After": header("The number of seconds to wait before the next try.") }
      : {}),
  };
}
