import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { command as smoke } from "../../../src/cli/smoke.ts";
import { command as vouchers } from "../../../src/cli/vouchers.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { signToken, startBilling, type TestBilling } from "../../support/builder/billing.ts";
import { runHere } from "../../support/process/command.ts";
import { startTestApiServer, type TestApiServer } from "../../support/server/apiserver.ts";
import { BILLING_NAMESPACE, writeBillingPod } from "../../support/server/billing-pod.ts";

const CORE = `/api/v1/namespaces/${BILLING_NAMESPACE}`;
const folder = mkdtempSync(join(tmpdir(), "vouchers-"));

let billing: TestBilling;
let api: TestApiServer;
let client: KubeClient;
/** The kubeconfigs of an administrator, and of an account with only the rights that the help names. */
const kubeconfig = { admin: join(folder, "admin"), seller: join(folder, "seller") };

async function writeSeller(): Promise<void> {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const subjects = [{ kind: "ServiceAccount", namespace: BILLING_NAMESPACE, name: "seller" }];
  const grant = async (path: string, kind: string, rules: object[]) => {
    await api.must("POST", `${rbac}${path}/${kind.toLowerCase()}s`, { metadata: { name: "seller" }, rules });
    await api.must("POST", `${rbac}${path}/${kind.toLowerCase()}bindings`, {
      metadata: { name: "seller" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: "seller" },
      subjects,
    });
  };
  await api.must("POST", `${CORE}/serviceaccounts`, { metadata: { name: "seller" } });
  await grant("", "ClusterRole", [
    {
      apiGroups: ["catalyst.openova.io"],
      resources: ["sovereigns"],
      resourceNames: ["omantel"],
      verbs: ["get"],
    },
  ]);
  await grant(`/namespaces/${BILLING_NAMESPACE}`, "Role", [
    { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
    { apiGroups: [""], resources: ["pods/portforward"], verbs: ["get", "create"] },
  ]);
  writeFileSync(kubeconfig.seller, await api.server.serviceAccountKubeconfig(BILLING_NAMESPACE, "seller"));
}

beforeAll(async () => {
  billing = await startBilling();
  const { hostname, port } = new URL(billing.origin);
  api = await startTestApiServer({ connectToPod: () => connect({ host: hostname, port: Number(port) }) });
  const config = new KubeConfig();
  config.loadFromString(api.server.adminKubeconfig);
  client = createKubeClient({ kubeConfig: config, userAgent: "vouchers-test" });
  await writeBillingPod(client);
  await writeSeller();
  writeFileSync(kubeconfig.admin, api.server.adminKubeconfig);
});
afterAll(async () => {
  await client?.close();
  await api?.dispose();
  await billing?.close();
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]) =>
  runHere(vouchers, [...args, "--sovereign", "omantel", "--kubeconfig", kubeconfig.admin], {});

describe("catalyst vouchers", () => {
  it("issues, lists and revokes through the API server, and the audit names the person", async () => {
    const terms = ["--credit", "10", "--description", "Welcome", "--max-redemptions", "5"];
    expect(await run("issue", "welcome10", ...terms, "--expires-at", "2099-01-01T00:00:00Z")).toEqual({
      code: 0,
      stdout: "voucher WELCOME10 issued\n",
    });
    expect(await run("list", "--search", "welcome")).toEqual({
      code: 0,
      stdout: [
        "CODE        CREDIT   REDEEMED   STANDING   STARTS   EXPIRES                    DESCRIPTION",
        "WELCOME10   10       0/5        live       <none>   2099-01-01T00:00:00.000Z   Welcome",
        "",
      ].join("\n"),
    });
    expect(await run("revoke", "welcome10")).toEqual({ code: 0, stdout: "voucher welcome10 revoked\n" });
    expect(await run("list", "--search", "welcome")).toEqual({
      code: 0,
      stdout: "There are no such vouchers.\n",
    });
    const { json } = await billing.ask("/billing/vouchers/audit?code=WELCOME10", {
      token: await signToken("auditor", "sovereign-admin"),
    });
    expect(JSON.stringify(json)).toContain('"kubernetes-admin"');
  });

  it("prints JSON for programs", async () => {
    const issued = JSON.parse((await run("issue", "--credit", "3", "-o", "json")).stdout);
    expect(issued).toMatchObject({ credit_omr: 3, max_redemptions: 0, times_redeemed: 0 });
    const { stdout } = await run("list", "--standing", "live", "-o", "yaml");
    expect(parse(stdout)).toContainEqual({ ...issued, standing: "live" });
    expect(JSON.parse((await run("revoke", issued.code, "-o", "json")).stdout)).toEqual({
      code: issued.code,
      revoked: true,
    });
  });

  it("lists more vouchers than one page has, or as many as --limit says", async () => {
    const token = await signToken("admin", "sovereign-admin");
    const issued = await billing.ask("/billing/vouchers/bulk-issue", {
      token,
      body: { count: 1_005, credit_omr: 1, description: "bulk" },
    });
    expect(issued.status).toBe(200);
    expect(JSON.parse((await run("list", "--search", "bulk", "-o", "json")).stdout)).toHaveLength(1_005);
    expect(JSON.parse((await run("list", "--limit", "3", "-o", "json")).stdout)).toHaveLength(3);
  });

  it("shows field, rule and remedy of the API's refusal", async () => {
    await expect(run("issue", "x", "--credit", "1")).rejects.toThrow(
      /\(voucher_invalid, 400\)\n.* {2}The terms break a rule about the code, the credit, the cap or the dates/s,
    );
    await expect(run("issue", "later", "--credit", "1", "--expires-at", "soon")).rejects.toThrow(
      /\(request_invalid, 400\)\n {2}\/expires_at: .*\n {2}/,
    );
    await expect(run("revoke", "absent")).rejects.toThrow(
      /\(voucher_not_found, 404\)\n {2}No live voucher has this code/,
    );
  });

  it("does not change a live voucher, unless a flag asks to replace its terms", async () => {
    await run("issue", "once", "--credit", "1");
    await expect(run("issue", "once", "--credit", "2")).rejects.toThrow("(voucher_exists, 409)");
    expect((await run("issue", "once", "--credit", "1", "--description", "new", "--replace")).code).toBe(0);
    expect((await run("list", "--search", "once")).stdout).toContain("new");
  });

  it("shows the reason when a policy denies the connection to the Pod", async () => {
    const admission = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic";
    const [apiGroups, apiVersions, operations] = [[""], ["v1"], ["CONNECT"]];
    const metadata = { name: "no-connections" };
    await api.must("POST", `${admission}ies`, {
      metadata,
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups, apiVersions, operations, resources: ["pods/portforward"] }],
        },
        validations: [
          { expression: "!(8085 in object.ports)", message: "this port is closed", reason: "Forbidden" },
        ],
      },
    });
    await api.must("POST", `${admission}ybindings`, {
      ...{ metadata, spec: { policyName: "no-connections", validationActions: ["Deny"] } },
    });
    await expect(run("list")).rejects.toThrow("this port is closed");
    await api.must("DELETE", `${admission}ies/no-connections`);
    await api.must("DELETE", `${admission}ybindings/no-connections`);
    expect((await run("list")).code).toBe(0);
  });

  it("needs only the rights that its help names, with a token of the issuer", async () => {
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, `${await signToken("fatma", "sovereign-admin")}\n`);
    const asSeller = ["list", "--limit", "1", "--sovereign", "omantel", "--kubeconfig", kubeconfig.seller];
    expect((await runHere(vouchers, [...asSeller, "--token-file", tokenFile], {})).code).toBe(0);
    await expect(runHere(vouchers, asSeller, {})).rejects.toThrow(/cannot get resource "secrets"/);
    writeFileSync(tokenFile, await signToken("fatma", "member"));
    await expect(runHere(vouchers, [...asSeller, "--token-file", tokenFile], {})).rejects.toThrow(/, 403\)/);
  });

  it.each([
    ["absent", "Sovereign absent does not exist"],
    ["resting", "Sovereign resting has no billing Pod that is ready: see catalyst status sovereign resting"],
    ["remote", "Sovereign remote runs on a cluster of its own: use a kubeconfig of that cluster"],
  ])("says why it cannot reach Sovereign %s", async (name, message) => {
    const failed = runHere(vouchers, ["list", "--sovereign", name, "--kubeconfig", kubeconfig.admin], {});
    await expect(failed).rejects.toThrow(message);
  });

  it("sends no token to a server whose certificate it does not verify", async () => {
    const unverified = join(folder, "unverified");
    const insecure = api.server.adminKubeconfig.replace(
      /certificate-authority-data: .*/,
      "insecure-skip-tls-verify: true",
    );
    writeFileSync(unverified, insecure);
    const failed = runHere(vouchers, ["list", "--sovereign", "omantel", "--kubeconfig", unverified], {});
    await expect(failed).rejects.toThrow(/does not verify https:.*, and a token must not go there/);
  });

  it.each([
    [["issue"], "--credit is required"],
    [["issue", "--credit", "ten"], "--credit must be a whole number, not 'ten'"],
    [["list", "--credit", "1"], "--credit is for vouchers issue: leave it out"],
    [["issue", "--credit", "1", "--limit", "2"], "--limit is for vouchers list: leave it out"],
    [["list", "--limit", "0"], "--limit must be 1 or more, not 0"],
    [["list", "--limit=-1"], "--limit must be 1 or more, not -1"],
    [["list", "code"], "vouchers list does not take code"],
    [["revoke"], "name the voucher: catalyst vouchers revoke CODE"],
    [["revok", "a"], "unknown action 'revok': did you mean revoke?"],
    [["list", "--standing", "dead"], "--standing must be scheduled, live"],
  ])("refuses %j", async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });

  it("requires a Sovereign", async () => {
    await expect(runHere(vouchers, ["list"], {})).rejects.toThrow("--sovereign is required");
  });
});

describe("catalyst smoke --sovereign", () => {
  it("runs the four steps through the API server", async () => {
    const args = ["--sovereign", "omantel", "--kubeconfig", kubeconfig.admin, "-o", "json"];
    const { code, stdout } = await runHere(smoke, args, {});
    expect(JSON.parse(stdout)).toMatchObject({ passed: true });
    expect(code).toBe(0);
  });

  it("accepts only one address", async () => {
    const both = runHere(smoke, ["--sovereign", "omantel", "--url", "http://a"], {});
    await expect(both).rejects.toThrow("--url and --sovereign both name an API: keep one");
  });
});
