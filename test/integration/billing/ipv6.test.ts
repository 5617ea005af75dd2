import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runSmokeTest } from "../../../src/billing/smoke.ts";
import { ask, signToken } from "../../support/builder/billing.ts";
import { createCertificateAuthority } from "../../support/builder/certificate-authority.ts";
import { folder, run, useBillingCommands } from "../../support/process/billing-command.ts";
import { startIssuer } from "../../support/server/issuer.ts";
import { createTestDatabase } from "../../support/server/postgres.ts";
import { proxyByIpv6 } from "../../support/server/tcp-proxy.ts";

const ADDRESS = "::1";

useBillingCommands();

it("billing serves, migrates, and reaches its database and its issuer where every address is one of IPv6", async () => {
  const empty = await createTestDatabase("empty");
  const { url, proxy } = await proxyByIpv6(empty.url);
  expect((await run(["migrate"], { DATABASE_URL: url }).exit).code).toBe(0);

  const authority = await createCertificateAuthority("one");
  const certificate = await authority.server("issuer", [ADDRESS]);
  const issuer = await startIssuer({ certificate, address: ADDRESS });
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, authority.pem);
  const baseUrl = await run(["billing"], {
    ...{ HOST: ADDRESS, DATABASE_URL: url, OIDC_CA_FILE: caFile },
    ...{ OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: issuer.audience },
  }).origin;
  expect([issuer.issuer, baseUrl].map((address) => new URL(address).hostname)).toEqual(["[::1]", "[::1]"]);

  const { passed, steps } = await runSmokeTest({
    ...{ baseUrl, code: "SMOKE-0123456789ABCDEF", token: await signToken("admin", "sovereign-admin") },
    ...{ fetch, now: () => new Date(), signal: new AbortController().signal },
  });
  expect([passed, steps.map((step) => step.passed)]).toEqual([true, [true, true, true, true]]);
  const token = await issuer.forge();
  expect((await ask(baseUrl, "/billing/balance", { token })).status).toBe(200);

  await issuer.close();
  await proxy.close();
  await empty.drop();
});
