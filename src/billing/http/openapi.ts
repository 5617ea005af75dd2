import Type from "typebox";
import type { Operation } from "./operation.ts";
import { ProblemAnswer } from "./schema.ts";

/**
 * The API's description, from the same table and schemas that route and validate. It says nothing of the Sovereign that
 * serves it: equal programs, equal documents, equal fingerprints.
 */
export function describeApi(operations: readonly Operation[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    paths[operation.path] ??= {};
    Object.assign(paths[operation.path] as object, { [operation.method]: describeOperation(operation) });
  }
  const document = {
    openapi: "3.1.0",
    info: {
      title: "Catalyst billing: the voucher API",
      version: "1.0.0",
      description:
        "Vouchers, checkout, credit and orders of one Sovereign. Money is integer baisa; 1 OMR is 1000 baisa.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [],
    paths,
    components: {
      schemas: { Problem: ProblemAnswer },
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  };
  // TypeBox's schemas carry bookkeeping that JSON drops.
  return JSON.parse(JSON.stringify(document));
}

function describeOperation(operation: Operation): Record<string, unknown> {
  const pathNames = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  const parameters = [
    ...pathNames.map((name) => ({ name, in: "path", required: true, schema: Type.String({ minLength: 1 }) })),
    ...Object.entries(operation.query ?? {}).map(([name, schema]) => ({
      name,
      in: "query",
      required: false,
      schema,
    })),
    ...(operation.takesIdempotencyKey
      ? [
          {
            name: "Idempotency-Key",
            in: "header",
            required: false,
            schema: Type.String({ pattern: "^[\\x21-\\x7e]{1,255}$" }),
          },
        ]
      : []),
  ];
  const answers = Object.entries(operation.answers).map(([status, answer]) => [
    status,
    {
      description: "The answer.",
      content: Object.fromEntries(
        [answer]
          .flat()
          .map((kind) =>
            typeof kind === "string"
              ? [kind, { schema: { type: "string" } }]
              : ["application/json", { schema: kind }],
          ),
      ),
    },
  ]);
  const isProtected = operation.access !== "anyone";
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(isProtected ? { security: [{ bearer: [] }] } : {}),
    ...(Array.isArray(operation.access) ? { "x-roles": operation.access } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: operation.body === "raw" ? {} : operation.body } },
          },
        }),
    responses: {
      ...Object.fromEntries(answers),
      default: {
        description: "A problem (RFC 9457) with the older member `error` beside.",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}
