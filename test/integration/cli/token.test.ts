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
  const sovereign = (name: string, auth: object, rest: object = {}) =>
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
        ...rest,
      },
    });
  await sovereign("omantel", { secretRef: { name: "billing-jwt" } });
  const cluster = { kubeconfigSecretRef: { name: "remote-kubeconfig" } };
  await sovereign("remote", { secretRef: { name: "billing-jwt" } }, { cluster });
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

const verify = (token: string, now = () => new Date()) =>
  createTokenVerifier({
    settings: { sovereignFqdn: FQDN, jwtSecret: SECRET },
    operatorKeys: () => undefined,
    now,
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
    [
      "remote",
      "Sovereign remote runs on a cluster of its own: use a kubeconfig of that cluster, with --kubeconfig or --context",
    ],
    ["issued", "Sovereign issued has no HS256 key: sign in at its issuer, https://login.example/realms/a"],
  ])("says why there is no token for Sovereign %s", async (sovereign, message) => {
    await expect(run(["--sovereign", sovereign])).rejects.toThrow(message);
  });

  it.each([
    ["a line break", "--user", "fatma\nsalim"],
    ["256 characters", "--user", "x".repeat(256)],
    ["a control character", "--email", "fatma@omantel.example\r"],
    ["20,000 characters", "--email", "x".repeat(20_000)],
  ])("refuses %s in %s: a service would refuse the token or ignore the address", async (_, flag, value) => {
    const args = flag === "--user" ? [flag, value] : ["--user", "fatma", flag, value];
    await expect(run(args, { JWT_SECRET: SECRET })).rejects.toThrow(
      `${flag} must have at most 255 characters, without line breaks and other control characters`,
    );
  });

  it("prints a token that a service accepts 30 s earlier by its own clock, and for 14 minutes", async () => {
    const { token } = await run(["--user", "x".repeat(255)], { JWT_SECRET: SECRET });
    for (const seconds of [-30, 30, 14 * 60])
      expect(await verify(token, () => new Date(Date.now() + seconds * 1_000))).toMatchObject({
        userId: "x".repeat(255),
      });
    const lateS = 15 * 60;
    await expect(verify(token, () => new Date(Date.now() + lateS * 1_000))).rejects.toThrow("expired");
  });

  it("refuses two keys at once", async () => {
    const both = run(["--sovereign", "omantel"], { JWT_SECRET: SECRET });
    await expect(both).rejects.toThrow("--sovereign and JWT_SECRET both name a key: use one of them");
  });
});
