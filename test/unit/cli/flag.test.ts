import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { issueCertificates } from "../../../src/admission/certificate/certificate.ts";
import type { Command } from "../../../src/cli/command.ts";
import { loadCommands } from "../../../src/cli/command-list.ts";
import { createCommand as createGenerate } from "../../../src/cli/generate.ts";
import { readOperatorSettings } from "../../../src/cli/operator-flag.ts";
import { command as playground } from "../../../src/cli/playground.ts";
import { command as smoke } from "../../../src/cli/smoke.ts";
import { command as token } from "../../../src/cli/token.ts";
import { UsageError } from "../../../src/platform/errors.ts";

const { command: generate } = createGenerate(loadCommands);

const run = (command: Command, ...args: string[]) =>
  command.run({
    args,
    env: {},
    signal: AbortSignal.abort(),
    stdout: process.stdout,
    stderr: process.stderr,
  });

const PORT_RANGE = "must be a whole number from 0 to 65535";

describe("the drivers of inline volumes", () => {
  const BUILT_IN = [
    "secrets-store.csi.k8s.io",
    "csi.cert-manager.io",
    "spiffe.csi.cert-manager.io",
    "csi.spiffe.io",
  ];

  it.each<[string, string[], Record<string, string>, string[]]>([
    ["built in without a value", [], {}, BUILT_IN],
    ["built in and those of the variable", [], { INLINE_VOLUME_DRIVERS: "a,b" }, [...BUILT_IN, "a", "b"]],
    [
      "built in and those of the flag, which overrides the variable",
      ["--inline-volume-drivers=a"],
      { INLINE_VOLUME_DRIVERS: "b" },
      [...BUILT_IN, "a"],
    ],
  ])("are those %s", (_, args, env, drivers) => {
    expect(readOperatorSettings(args, env).inlineDrivers).toEqual(drivers);
  });
});

describe("the users of the control plane", () => {
  it("are the built-in one and those of the flag", () => {
    const args = ["--control-plane-user-prefixes=eks:,kubelet,system:cloud-controller-manager"];
    expect(readOperatorSettings(args, {}).identities.controlPlanePrefixes).toEqual([
      ...["system:kube-", "eks:", "kubelet", "system:cloud-controller-manager"],
    ]);
  });
});

describe("the webhook's certificate", () => {
  it("comes from a Secret in any namespace or from a folder, but not from both", () => {
    const secret = { WEBHOOK_CERT_SECRET: "cert-manager/webhook" };
    expect(readOperatorSettings([], secret).webhookCertSecret).toEqual({
      namespace: "cert-manager",
      name: "webhook",
    });
    expect(() => readOperatorSettings(["--webhook-cert-dir=/etc/own"], secret)).toThrow(
      "--webhook-cert-dir and WEBHOOK_CERT_SECRET both name the certificate: use one of them",
    );
  });
});

describe("the authorities of registries", () => {
  it("are read from their file each time that the operator starts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "catalyst-registry-ca-"));
    const file = join(folder, "ca.crt");
    for (const name of ["former", "next"]) {
      const { caCertificate } = await issueCertificates([name], new Date());
      writeFileSync(file, caCertificate);
      expect(readOperatorSettings([], { REGISTRY_CA_FILE: file }).registryCaPem).toBe(caCertificate);
    }
    rmSync(folder, { recursive: true });
  });
});

describe("a wrong value of a flag", () => {
  it.each([
    ["--webhook-port", "WEBHOOK_PORT", "x", PORT_RANGE],
    ["--voucher-api-port", "VOUCHER_API_PORT", "65536", PORT_RANGE],
    ["--http-port", "HTTP_PORT", "-1", PORT_RANGE],
    ["--concurrency", "CONCURRENCY", "0", "must be a whole number from 1 to 64"],
    ["--drain-seconds", "DRAIN_SECONDS", "301", "must be a whole number from 0 to 300"],
    ["--billing-drain-seconds", "BILLING_DRAIN_SECONDS", "soon", "must be a whole number from 0 to 300"],
    ["--webhook-url", "WEBHOOK_URL", "http://webhook", "must be an https URL"],
    [
      "--webhook-cert-secret",
      "WEBHOOK_CERT_SECRET",
      "webhook",
      "must be NAMESPACE/NAME, for example cert-manager/catalyst-webhook",
    ],
    ...["system:authenticated", "system:serviceaccounts", "system:cattle:authenticated"].map(
      (value): [string, string, string, string] => [
        ...(["--platform-groups", "PLATFORM_GROUPS", value] as const),
        `must not list ${value}: anyone can be in it; list a group of administrators`,
      ],
    ),
    ...["ops", "system:", "system:s", "system:serviceaccount:tools:", "system:anonymous"].map(
      (value): [string, string, string, string] => [
        "--control-plane-user-prefixes",
        "CONTROL_PLANE_USER_PREFIXES",
        value,
        "must list beginnings of at least 4 characters that include no ServiceAccount and not system:anonymous, for example eks:",
      ],
    ),
    ["--enforcement", "ENFORCEMENT", "Maybe", "must be one of Deny, Audit"],
    ["--docs-url", "DOCS_URL", "a#b", "must be a URL or path of at most 200 characters, without #"],
    ["--registry-ca-file", "REGISTRY_CA_FILE", "/absent", "must be a file with certificates in PEM"],
    [
      "--registry-mirrors",
      "REGISTRY_MIRRORS",
      "a",
      "must be HOST=ORIGIN, for example registry.example=https://mirror.example",
    ],
    ["--log-level", "LOG_LEVEL", "loud", "must be one of trace, debug, info, warn, error, fatal, silent"],
  ])("is refused with the name that the user wrote: %s or %s", (flag, variable, value, rule) => {
    expect(() => readOperatorSettings([`${flag}=${value}`], {})).toThrow(new UsageError(`${flag} ${rule}`));
    expect(() => readOperatorSettings([], { [variable]: value })).toThrow(
      new UsageError(`${variable} ${rule}`),
    );
    // The flag overrides the variable, so the message must name the flag.
    expect(() => readOperatorSettings([`${flag}=${value}`], { [variable]: "other" })).toThrow(
      new UsageError(`${flag} ${rule}`),
    );
  });

  it("overrides the file that a variable names", () => {
    const settings = readOperatorSettings(["--http-port", "9000"], { HTTP_PORT_FILE: "/absent" });
    expect(settings.httpPort).toBe(9000);
  });

  it.each<[Command, string[], string]>([
    [
      token,
      ["--role", "king", "--sovereign", "omantel"],
      "--role must be superadmin, sovereign-admin, sovereign-auditor or customer, not 'king'",
    ],
    [token, ["--sovereign", "omantel", "--user", ""], "--user must not be empty"],
    [token, [], "--sovereign is required"],
    [token, ["--sovereign", "omantel"], "KUBECONFIG is not set, and this process does not run in a Pod"],
    [smoke, ["--url", "ftp://x"], "--url must be an http or https URL"],
    [smoke, ["--url", "http://x", "--token-file", "/absent"], "--token-file cannot be read: /absent"],
    [playground, ["--port", "0"], "--port must be a whole number"],
    [generate, ["--chek"], "unknown flag --chek: did you mean --check?"],
  ])("is a usage error of each command (%#)", async (command, args, message) => {
    const failed = run(command, ...args);
    await expect(failed).rejects.toBeInstanceOf(UsageError);
    await expect(failed).rejects.toThrow(message);
  });
});
