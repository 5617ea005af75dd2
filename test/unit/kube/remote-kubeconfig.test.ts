import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { readRemoteKubeconfig } from "../../../src/kube/remote-kubeconfig.ts";

const PEM = Buffer.from("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").toString("base64");

function kubeconfig(
  cluster: Record<string, unknown> = {},
  user: Record<string, unknown> = { token: "secret-token" },
  rest: Record<string, unknown> = {},
): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "admin@spoke",
    contexts: [
      { name: "other", context: { cluster: "other", user: "other" } },
      { name: "admin@spoke", context: { cluster: "spoke", user: "admin" } },
    ],
    clusters: [
      {
        name: "spoke",
        cluster: { server: "https://10.0.0.7:6443", "certificate-authority-data": PEM, ...cluster },
      },
      { name: "other", cluster: { server: "http://other", "certificate-authority": "/etc/passwd" } },
    ],
    users: [
      { name: "admin", user },
      { name: "other", user: { exec: { command: "sh" } } },
    ],
    ...rest,
  });
}

function problemsOf(text: string): string[] {
  const result = readRemoteKubeconfig(text);
  return result.kind === "refused" ? result.problems : [];
}

describe("readRemoteKubeconfig", () => {
  it("accepts a token with inline data, and takes nothing else from the file", () => {
    const result = readRemoteKubeconfig(kubeconfig({ "tls-server-name": "api" }));
    if (result.kind !== "accepted") throw new Error(result.problems.join());
    const { server, config, digest } = result.kubeconfig;
    expect(server).toBe("https://10.0.0.7:6443");
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(config.getCurrentCluster()).toEqual({
      ...{ name: "cluster", server, skipTLSVerify: false, caData: PEM, tlsServerName: "api" },
    });
    expect(config.getCurrentUser()).toEqual({ name: "user", token: "secret-token" });
    expect([config.clusters.length, config.users.length]).toEqual([1, 1]);
  });

  it("accepts a client certificate, as Cluster API writes it, and a kubeconfig without an authority", () => {
    const user = { "client-certificate-data": PEM, "client-key-data": PEM };
    const result = readRemoteKubeconfig(kubeconfig({ "certificate-authority-data": undefined }, user));
    if (result.kind !== "accepted") throw new Error(result.problems.join());
    expect(result.kubeconfig.config.getCurrentUser()).toEqual({ name: "user", certData: PEM, keyData: PEM });
  });

  it("gives the same digest for the same content, and another for another credential", () => {
    const digestOf = (text: string) => {
      const result = readRemoteKubeconfig(text);
      return result.kind === "accepted" ? result.kubeconfig.digest : undefined;
    };
    expect(digestOf(`# a comment\n${kubeconfig()}`)).toBe(digestOf(kubeconfig()));
    expect(digestOf(kubeconfig({}, { token: "renewed" }))).not.toBe(digestOf(kubeconfig()));
  });

  it.each<[string, string, string[]]>([
    ["is no YAML", "a: [", ["the value is no kubeconfig: write one in YAML or JSON"]],
    ["is a list", "[]", ["the value is no kubeconfig: write one in YAML or JSON"]],
    ["is huge", "#".repeat(65_537), ["the kubeconfig is longer than 65536 characters"]],
    [
      "names no context",
      kubeconfig({}, {}, { "current-context": undefined }),
      ["current-context: must name one of contexts, and that context a cluster"],
    ],
    [
      "names a context that it lacks",
      kubeconfig({}, {}, { "current-context": "lost" }),
      ["current-context: must name one of contexts, and that context a cluster"],
    ],
    [
      "runs a program",
      kubeconfig({}, { exec: { command: "sh" } }),
      [
        "user.exec: would run a program in the operator's Pod: give a token or a client certificate",
        "user: needs a token, or client-certificate-data with client-key-data",
      ],
    ],
    [
      "logs in",
      kubeconfig({}, { token: "t", "auth-provider": { name: "oidc" } }),
      ["user.auth-provider: would run a login in the operator's Pod: give a token or a client certificate"],
    ],
    [
      "reads a file of the Pod",
      kubeconfig({ "certificate-authority": "/etc/passwd" }, { token: "t", tokenFile: "/var/run/token" }),
      [
        "cluster.certificate-authority: names a file of the operator's Pod: put the data itself into the kubeconfig, as certificate-authority-data",
        "user.tokenFile: names a file of the operator's Pod: put the data itself into the kubeconfig, as token",
      ],
    ],
    [
      "has paths of certificates",
      kubeconfig({}, { token: "t", "client-certificate": "/a", "client-key": "/b" }),
      [
        "user.client-certificate: names a file of the operator's Pod: put the data itself into the kubeconfig, as client-certificate-data",
        "user.client-key: names a file of the operator's Pod: put the data itself into the kubeconfig, as client-key-data",
      ],
    ],
    [
      "trusts every server, through a proxy",
      kubeconfig({ "insecure-skip-tls-verify": true, "proxy-url": "http://proxy" }),
      [
        "cluster.insecure-skip-tls-verify: would send the credentials to any server: give certificate-authority-data",
        "cluster.proxy-url: would send the requests through another server: remove it",
      ],
    ],
    [
      "acts as another user",
      kubeconfig({}, { token: "t", as: "system:admin" }),
      ["user.as: would act as another user: give that user's own credentials"],
    ],
    [
      "has a password",
      kubeconfig({}, { username: "u", password: "p", token: "t" }),
      [
        "user.username: Kubernetes accepts no passwords: give a token or a client certificate",
        "user.password: Kubernetes accepts no passwords: give a token or a client certificate",
      ],
    ],
    ["has plain http", kubeconfig({ server: "http://10.0.0.7" }), ["cluster.server: must be an https URL"]],
    ["has no server", kubeconfig({ server: undefined }), ["cluster.server: must be an https URL"]],
    [
      "has credentials in the address",
      kubeconfig({ server: "https://u:p@10.0.0.7" }),
      ["cluster.server: must have no credentials, no query and no fragment"],
    ],
    [
      "has a path",
      kubeconfig({ server: "https://10.0.0.7/k8s/clusters/c-1" }),
      ["cluster.server: must have no path, because requests would leave it out"],
    ],
    [
      "has an authority that is no PEM",
      kubeconfig({ "certificate-authority-data": "bm8=" }),
      ["cluster.certificate-authority-data: must be PEM in base64"],
    ],
    [
      "has a certificate without a key",
      kubeconfig({}, { "client-certificate-data": PEM }),
      ["user: client-certificate-data and client-key-data need each other"],
    ],
    [
      "has a key that is no text",
      kubeconfig({}, { "client-certificate-data": PEM, "client-key-data": 7 }),
      ["user.client-key-data: must be PEM in base64"],
    ],
    [
      "has a token of two lines",
      kubeconfig({}, { token: "a\nb" }),
      ["user.token: must be a token on one line"],
    ],
    [
      "has no user",
      kubeconfig({}, {}),
      ["user: needs a token, or client-certificate-data with client-key-data"],
    ],
  ])("refuses a kubeconfig that %s", (_what, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  it.each([
    ["169.254.169.254", "169.254.169.254"],
    ["[fe80::1]", "fe80::1"],
    ["[fd00:ec2::254]", "fd00:ec2::254"],
    ["[::ffff:169.254.169.254]", "::ffff:a9fe:a9fe"],
    ["[64:ff9b::a9fe:a9fe]", "64:ff9b::a9fe:a9fe"],
    ["0xa9fea9fe", "169.254.169.254"],
    ["0.0.0.0", "0.0.0.0"],
    ["metadata.google.internal", "metadata.google.internal"],
  ])("refuses the address %s", (host, shown) => {
    expect(problemsOf(kubeconfig({ server: `https://${host}` }))).toEqual([
      `cluster.server: ${shown} is no cluster's address: give that of its API server`,
    ]);
  });

  it("shows no value of a kubeconfig that it refuses", () => {
    const shown = problemsOf(
      kubeconfig({ "proxy-url": "http://u:hunter2@p" }, { token: "hunter2\n", password: "hunter2" }),
    );
    expect(shown).toHaveLength(3);
    expect(shown.join()).not.toContain("hunter2");
  });

  it.each<[string, string]>([
    ["many keys", Array.from({ length: 9_000 }, (_, at) => `k${at}:`).join("\n")],
    ["many keys on one line", `{${Array.from({ length: 9_000 }, (_, at) => `k${at}`).join()}}`],
    ["many quotes", '"'.repeat(65_536)],
    ["many anchors", "&a ".repeat(21_000)],
    ["many brackets", "[".repeat(65_536)],
    ["many lists", "[]\n".repeat(21_000)],
    ["white space in an authority", kubeconfig({ "certificate-authority-data": `A${" ".repeat(60_000)}!` })],
  ])("refuses a kubeconfig with %s within three seconds of CPU", (_what, text) => {
    const before = process.threadCpuUsage();
    expect(problemsOf(text)).toHaveLength(1);
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(3_000);
  });

  it("accepts certificates that are wrapped at 64 characters", () => {
    const long = Buffer.from(`-----BEGIN CERTIFICATE-----\n${"A".repeat(200)}\n`).toString("base64");
    const wrapped = `${long.match(/.{1,64}/g)?.join("\n")}\n`;
    expect(readRemoteKubeconfig(kubeconfig({ "certificate-authority-data": wrapped })).kind).toBe("accepted");
  });

  it("prints no line of a kubeconfig when the parser warns about it", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => void warnings.push(warning);
    process.on("warning", listen);
    expect(
      readRemoteKubeconfig(kubeconfig().replace("token: secret-token", "token: !made secret-token")).kind,
    ).toBe("accepted");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", listen);
    expect(warnings).toEqual([]);
  });
});
