import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { LedgerDifference } from "../../../src/billing/ledger/check.ts";
import { reconcileLedger } from "../../../src/billing/ledger/reconcile-ledger.ts";
import { type BillingService, createBillingService } from "../../../src/billing/service.ts";
import { type BillingSettings, readBillingSettings } from "../../../src/billing/settings.ts";
import { createEnvReader, type Env } from "../../../src/platform/env.ts";
import { startHttpServer } from "../../../src/platform/http-server.ts";
import { createLogger, type Logger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { createTestDatabase, type TestDatabase } from "../server/postgres.ts";
import { type Contract, createContract } from "./openapi-contract.ts";

export const FQDN = "omantel.omani.works";
export const JWT_SECRET = "a-secret-of-one-sovereign-0123456789";

export const CATALOG = {
  plans: [
    { id: "free", price_baisa: 0 },
    { id: "small", price_baisa: 9_000 },
    { id: "large", price_baisa: 60_000 },
  ],
  addons: [{ id: "backup", price_baisa: 1_500 }],
  apps: [{ id: "wordpress" }],
};

/** An HS256 token as the earlier service signs it: `sub`, `email`, `role`, `iat`, `exp`, 15 minutes. */
export function signToken(
  sub: string,
  role = "member",
  claims: JWTPayload = {},
  secret = JWT_SECRET,
): Promise<string> {
  return new SignJWT({ email: `${sub}@example.om`, role, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime("15m")
    .sign(new TextEncoder().encode(secret));
}

export interface OperatorKey {
  privateKey: CryptoKey;
  jwks: { keys: object[] };
}

export async function createOperatorKey(): Promise<OperatorKey> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  return {
    privateKey,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: "ES256", use: "sig", kid: "operator" }] },
  };
}

/** A token as the operator issues it, for five minutes. */
export const signOperatorToken = ({ privateKey }: OperatorKey): Promise<string> =>
  new SignJWT({})
    .setProtectedHeader({ alg: "ES256" })
    .setIssuer("catalyst-operator")
    .setAudience(FQDN)
    .setSubject("operator")
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(privateKey);

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** biome-ignore lint/suspicious/noExplicitAny: answers of any shape, asserted on by the tests. */
  json: any;
  asked: string;
}

export interface Question {
  method?: string;
  token?: string | undefined;
  /** The body, sent as JSON. */
  body?: unknown;
  /** The body, sent unchanged. */
  raw?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

export async function ask(origin: string, path: string, question: Question = {}): Promise<Answer> {
  const { token, body, raw } = question;
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${origin}${path}`, {
    redirect: "manual",
    method: question.method ?? (payload === undefined ? "GET" : "POST"),
    headers: {
      ...(payload === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...question.headers,
    },
    ...(payload === undefined ? {} : { body: payload }),
  });
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? JSON.parse(text) : undefined,
    asked: question.method ?? (payload === undefined ? "GET" : "POST"),
  };
}

let contract: Contract | undefined;

/** Compares every answer with the API's own description. */
async function requireContract(origin: string, path: string, method: string, answer: Answer): Promise<void> {
  contract ??= createContract((await ask(origin, "/openapi.json")).json);
  contract.require(method, path, answer);
}

export interface TestBilling {
  origin: string;
  database: TestDatabase;
  service: BillingService;
  settings: BillingSettings;
  /** Writes a file into the service's own folder, and returns its path. */
  file(name: string, content: unknown): string;
  ask(path: string, question?: Question): Promise<Answer>;
  close(): Promise<void>;
}

interface BillingOptions {
  env?: Env;
  files?: Record<string, unknown>;
  database?: TestDatabase;
  now?: () => Date;
  logger?: Logger;
}

/** A billing service in this process, on a database of its own, over real HTTP on loopback. */
export async function startBilling(options: BillingOptions = {}): Promise<TestBilling> {
  const database = options.database ?? (await createTestDatabase());
  const folder = mkdtempSync(join(tmpdir(), "catalyst-billing-"));
  const file = (name: string, content: unknown) => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const files = { CATALOG_FILE: CATALOG, ...options.files };
  const env: Env = {
    DATABASE_URL: database.servingUrl,
    SOVEREIGN_FQDN: FQDN,
    JWT_SECRET,
    PREVIEW_LIMIT: "0",
    PREVIEW_MISS_LIMIT: "0",
    ISSUE_LIMIT: "0",
    ...Object.fromEntries(
      Object.entries(files)
        .filter(([, content]) => content !== undefined)
        .map(([name, content]) => [name, file(`${name}.json`, content)]),
    ),
    ...options.env,
  };
  const settings = readBillingSettings(createEnvReader(env));
  const service = createBillingService({
    settings,
    now: options.now ?? (() => new Date()),
    logger: options.logger ?? createLogger("test", "silent"),
    registry: new Registry(),
  });
  const server = await startHttpServer({ handler: service.app, host: "127.0.0.1", port: 0 });
  return {
    origin: server.origin,
    database,
    service,
    settings,
    file,
    async ask(path, question) {
      const answer = await ask(server.origin, path, question);
      await requireContract(server.origin, path, question?.method ?? answer.asked, answer);
      return answer;
    },
    async close() {
      await server.close(0);
      await service.close();
      if (options.database === undefined) await database.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The service that `useBilling` started. */
export let billing: TestBilling;

/** Starts one service for all tests of a file. With `reconciled`, its books must agree at the end. */
export function useBilling({
  reconciled = false,
  ...options
}: BillingOptions & { reconciled?: boolean } = {}): void {
  beforeAll(async () => {
    billing = await startBilling(options);
  });
  afterAll(async () => {
    try {
      if (reconciled) expect(await reconcile(billing)).toEqual([]);
    } finally {
      await billing.close();
    }
  });
}

/** Starts services that end with their test. */
export function useBillings(): typeof startBilling {
  const started: TestBilling[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((one) => one.close()));
  });
  return async (options) => {
    const one = await startBilling(options);
    started.push(one);
    return one;
  };
}

/** The differences that the reconciliation finds in this service's ledger. */
export async function reconcile(one: TestBilling): Promise<LedgerDifference[]> {
  const client = await one.database.pool.connect();
  return reconcileLedger(client).finally(() => client.release());
}

/** The path of the page after `answer`. The link is relative to the requested address, as for every client. */
export function nextPage(path: string, { headers }: Answer): string | undefined {
  const link = headers.get("link");
  if (link === null) return undefined;
  const [, next = ""] = /^<([^>]+)>; rel="next"$/.exec(link) ?? [];
  const { pathname, search } = new URL(next, `http://billing.test${path}`);
  return `${pathname}${search}`;
}

/** Issues a voucher as a sovereign-admin. A refusal fails the test here. */
export async function issueVoucher(
  billing: TestBilling,
  code: string,
  terms: Record<string, unknown> = {},
): Promise<void> {
  const answer = await billing.ask("/billing/vouchers/issue", {
    token: await signToken("admin", "sovereign-admin"),
    body: { code, credit_omr: 25, description: "offer", ...terms },
  });
  if (answer.status !== 200) throw new Error(`issue answered ${answer.status}: ${answer.text}`);
}

export async function placeOrder(
  billing: TestBilling,
  user: string,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return billing.ask("/billing/checkout", {
    token: await signToken(user),
    body: { plan_id: "small", apps: [], addons: [], tenant_id: `${user}-shop`, ...body },
    headers,
  });
}
