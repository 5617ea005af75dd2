import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenVerifier } from "../../../src/billing/auth/token.ts";
import { command } from "../../../src/cli/token.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { runHere } from "../../support/process/command.ts";
import { startTestControlPlane, type TestControlPlane } from "../../support/server/kube-apiserver.ts";
import { prepareCluster } from "../../support/server/webhook-replica.ts";

const FQDN = "omantel.omani.works";
const SECRET = "the-key-of-omantel-0123456789-abcdef";

let plane: TestControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await startTestControlPlane("embedded");
  client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "token-test" });
  await prepareCluster(client);
  const post = (path: string, body: object) => client.request({ method: "POST", path, body });
  await post("/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "sovereign-omantel" },
  });
  const sovereign = (name: string, auth: object) =>
    post("/apis/catalyst.openova.io/v1alpha1/sovereigns", {
      apiVersion: "catalyst.openova.io/v1alpha1",
      kind: "Sovereign",
      metadata: { name },
      spec: {
        fqdn: `${name}.example`,
        role: "Franchised",
        parent: "zero",
        franchise: "omantel",
        billing: { release: "stable", database: { secretRef: { name: "billing-db" } }, auth },
      },
    });
  await sovereign("omantel", { secretRef: { name: "billing-jwt" } });
  await sovereign("keyless", { secretRef: { name: "absent" } });
  await sovereign("issued", { issuer: "https://login.example/realms/a", audience: "billing" });
  await post("/api/v1/namespaces/sovereign-omantel/secrets", {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "billing-jwt", namespace: "sovereign-omantel" },
    data: { secret: Buffer.from(SECRET).toString("base64") },
  });
});
afterAll(async () => {
  await client?.close();
  await plane?.close();
});

async function run(args: string[], env: Record<string, string> = { KUBECONFIG: plane.kubeconfigPath }) {
  const { code, stdout } = await runHere(command, args, env);
  return { code, token: stdout.trim() };
}

const verify = (token: string) =>
  createTokenVerifier({
    settings: { sovereignFqdn: FQDN, jwtSecret: SECRET },
    operatorKeys: () => undefined,
    now: () => new Date(),
    logger: createLogger("test", "silent"),
  })(`Bearer ${token}`);

describe("catalyst token", () => {
  it("prints a token that the Sovereign's voucher API accepts, in the role and for the user", async () => {
    const { code, token } = await run([
      ...["--sovereign", "omantel", "--role", "superadmin"],
      ...["--user", "fatma", "--email", "fatma@omantel.example"],
    ]);
    expect(code).toBe(0);
    expect(await verify(token)).toMatchObject({
      userId: "fatma",
      email: "fatma@omantel.example",
      issuer: "shared-secret",
      roles: new Set(["superadmin"]),
    });
  });

  it("signs for role sovereign-admin by default, and takes the key from JWT_SECRET without a cluster", async () => {
    const { token } = await run(["--user", "fatma"], { JWT_SECRET: SECRET });
    expect(await verify(token)).toMatchObject({ roles: new Set(["sovereign-admin"]) });
  });

  it.each([
    ["absent", "Sovereign absent does not exist"],
    ["keyless", "Secret sovereign-keyless/absent has no key secret: create it"],
    ["issued", "Sovereign issued has no HS256 key: sign in at its issuer, https://login.example/realms/a"],
  ])("says why there is no token for Sovereign %s", async (sovereign, message) => {
    await expect(run(["--sovereign", sovereign])).rejects.toThrow(message);
  });

  it("refuses two keys at once", async () => {
    const both = run(["--sovereign", "omantel"], { JWT_SECRET: SECRET });
    await expect(both).rejects.toThrow("--sovereign and JWT_SECRET both name a key: use one of them");
  });
});
