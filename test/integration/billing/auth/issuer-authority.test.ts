import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startBilling, type TestBilling } from "../../../support/builder/billing.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../../support/builder/certificate-authority.ts";
import { type Issuer, startIssuer } from "../../../support/server/issuer.ts";
import { createTestDatabase, type TestDatabase } from "../../../support/server/postgres.ts";
import { AGED_MS, COOLDOWN_MS, HOLDS, UNAVAILABLE } from "../../../support/suite/token-issuer.ts";

const ADDRESS = "127.0.0.1";
const folder = mkdtempSync(join(tmpdir(), "catalyst-issuer-ca-"));
const file = join(folder, "issuer-ca.pem");
let database: TestDatabase;
let authority: CertificateAuthority;
let issuer: Issuer;
let billing: TestBilling;
let offsetMs: number;

/** Replaces the file at once, as a mounted ConfigMap does. */
function write(text: string): void {
  writeFileSync(`${file}.next`, text);
  renameSync(`${file}.next`, file);
}

async function start(env: Record<string, string>): Promise<void> {
  billing = await startBilling({
    database,
    now: () => new Date(Date.now() + offsetMs),
    env: { OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: issuer.audience, ...env },
  });
}

async function askWith(token: string): Promise<[status: number, code: string | undefined]> {
  const { status, json } = await billing.ask("/billing/balance", { token });
  return [status, json?.code];
}

const inTime = () => ({ exp: Math.floor(Date.now() / 1000) + 3_600 });

beforeAll(async () => {
  database = await createTestDatabase();
  authority = await createCertificateAuthority("one");
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});
beforeEach(async () => {
  offsetMs = 0;
  rmSync(file, { force: true });
  issuer = await startIssuer({ certificate: await authority.server("issuer", [ADDRESS]) });
});
afterEach(async () => {
  await billing.close();
  await issuer.close();
});

describe("an issuer with a certificate of a private authority", () => {
  it("is not trusted without the authority's certificate", async () => {
    await start({});
    expect(await askWith(await issuer.forge())).toEqual(UNAVAILABLE);
    expect(issuer.asked).toEqual({ discovery: 0, keys: 0 });
  });

  it("is trusted with the authority's certificate", async () => {
    write(`# the authority of our own issuer\n${authority.pem}`);
    await start({ OIDC_CA_FILE: file });
    expect(await askWith(await issuer.forge())).toEqual(HOLDS);
  });

  it("is not trusted when another authority of the same name signed its certificate", async () => {
    const other = await createCertificateAuthority("one");
    write(other.pem);
    await start({ OIDC_CA_FILE: file });
    expect(await askWith(await issuer.forge())).toEqual(UNAVAILABLE);
  });

  it("is not trusted under a name that its certificate does not have", async () => {
    write(authority.pem);
    issuer.present(await authority.server("issuer", ["issuer.example"]));
    await start({ OIDC_CA_FILE: file });
    expect(await askWith(await issuer.forge())).toEqual(UNAVAILABLE);
  });

  it("may change its authority without a restart", async () => {
    write(authority.pem);
    await start({ OIDC_CA_FILE: file });
    const known = await issuer.forge(inTime());
    expect(await askWith(known)).toEqual(HOLDS);

    const next = await createCertificateAuthority("two");
    issuer.present(await next.server("issuer", [ADDRESS]));
    await issuer.leave();
    await issuer.back();
    await issuer.rotate();
    offsetMs += AGED_MS;
    const unknown = await issuer.forge(inTime());
    expect(await askWith(unknown)).toEqual(UNAVAILABLE);
    expect(await askWith(known)).toEqual(HOLDS);

    write(authority.pem + next.pem);
    offsetMs += COOLDOWN_MS;
    expect(await askWith(unknown)).toEqual(HOLDS);
  });

  it.each([
    ["is missing", undefined],
    ["is empty", ""],
    ["has no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ])("is not trusted while the file %s, and is as soon as it has the certificate", async (_why, text) => {
    if (text !== undefined) write(text);
    await start({ OIDC_CA_FILE: file });
    const token = await issuer.forge(inTime());
    expect(await askWith(token)).toEqual(UNAVAILABLE);
    write(authority.pem);
    offsetMs += COOLDOWN_MS;
    expect(await askWith(token)).toEqual(HOLDS);
  });
});
