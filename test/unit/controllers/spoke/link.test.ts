import { afterEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { SecretObject } from "../../../../src/api/object.ts";
import { createSpokes } from "../../../../src/controllers/spoke/link.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import { NAMESPACES, SECRETS } from "../../../../src/kube/resource.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { eventually } from "../../../support/wait.ts";

const kubeconfig = (server: string, token = "t") =>
  stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster: { server } }],
    users: [{ name: "u", user: { token } }],
  });

const secretOf = (name: string, data?: Record<string, string>): SecretObject => ({
  ...{ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "catalyst-system" } },
  ...(data === undefined
    ? {}
    : {
        data: Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
        ),
      }),
});
const remote = (name: string, secret = name) =>
  sovereign(name, { cluster: { kubeconfigSecretRef: { name: secret, key: "value" } } });

const KUBE_SYSTEM = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "kube-system", uid: "hub-uid" },
};

let ending = new AbortController();
afterEach(() => ending.abort());

/** Spokes with these Secrets. Every connection fails at once; `connected` lists the servers. */
function start(secrets: Map<string, SecretObject>, namespaces = [KUBE_SYSTEM]) {
  ending = new AbortController();
  const connected: string[] = [];
  const closed: string[] = [];
  const reads: string[] = [];
  const enqueued: string[] = [];
  const versions = fixedInformer<SecretObject>(SECRETS);
  const now = { ms: 0 };
  const spokes = createSpokes({
    client: {
      get: async (_resource: unknown, { name }: { name: string }) => {
        reads.push(name);
        const found = secrets.get(name);
        await Promise.resolve();
        return found;
      },
    } as unknown as KubeClient,
    connect({ server }) {
      connected.push(server);
      return {
        server,
        get: () => new Promise(() => undefined),
        close: async () => void closed.push(server),
      } as unknown as KubeClient;
    },
    namespaces: fixedInformer(NAMESPACES, namespaces),
    secretVersions: versions,
    logger: createLogger("test", "silent"),
    now: () => new Date(now.ms),
  });
  spokes.connect((key) => void enqueued.push(key), ending.signal);
  return { spokes, connected, closed, reads, enqueued, versions, now };
}

describe("createSpokes", () => {
  it("reads the identity of the hub from its namespace kube-system", () => {
    expect(start(new Map()).spokes.hub()).toBe("hub-uid");
  });

  it("connects to no cluster while the hub's own identity is unknown, and later with it", async () => {
    const namespaces: (typeof KUBE_SYSTEM)[] = [];
    const secrets = new Map([["a", secretOf("a", { value: kubeconfig("https://one") })]]);
    const { spokes, connected } = start(secrets, namespaces);
    const unknown = "the cache has no namespace kube-system yet";
    await expect(spokes.linkOf(remote("a"))).rejects.toThrow(unknown);
    expect(() => spokes.hub()).toThrow(unknown);
    expect(connected).toEqual([]);
    namespaces.push(KUBE_SYSTEM);
    expect(await spokes.linkOf(remote("a"))).toMatchObject({ kind: "spoke" });
    await eventually(() => expect(connected).toEqual(["https://one"]));
  });

  it.each<[string, SecretObject | undefined, object]>([
    [
      "no Secret",
      undefined,
      { kind: "missing", message: expect.stringContaining("does not exist: create it") },
    ],
    [
      "a Secret without data",
      secretOf("a"),
      { kind: "missing", message: expect.stringContaining("no key value") },
    ],
    [
      "another key",
      secretOf("a", { other: "x" }),
      { kind: "missing", message: expect.stringContaining("no key value") },
    ],
    [
      "a kubeconfig with plain http",
      secretOf("a", { value: kubeconfig("http://a") }),
      {
        kind: "refused",
        message:
          "Secret catalyst-system/a (spec.cluster.kubeconfigSecretRef) is refused: cluster.server: must be an https URL",
      },
    ],
  ])("connects to no cluster with %s", async (_what, secret, link) => {
    const { spokes, connected } = start(new Map(secret === undefined ? [] : [["a", secret]]));
    expect(await spokes.linkOf(remote("a"))).toEqual(link);
    expect(connected).toEqual([]);
  });

  it("shares one connection among Sovereigns with equal kubeconfigs, and ends it with the last of them", async () => {
    const value = kubeconfig("https://shared");
    const secrets = new Map([
      ["a", secretOf("a", { value })],
      ["b", secretOf("b", { value })],
    ]);
    const { spokes, connected, closed } = start(secrets);
    const [one, other] = [await spokes.linkOf(remote("a")), await spokes.linkOf(remote("b"))];
    expect(one).toEqual(other);
    await eventually(() => expect(connected).toEqual(["https://shared"]));
    spokes.forget("a");
    spokes.forget("unknown");
    await Promise.resolve();
    expect(closed).toEqual([]);
    spokes.forget("b");
    await eventually(() => expect(closed).toEqual(["https://shared"]));
  });

  it("connects again with changed credentials, and ends the former connection", async () => {
    const secrets = new Map([["a", secretOf("a", { value: kubeconfig("https://one") })]]);
    const { spokes, connected, closed, reads, versions } = start(secrets);
    await spokes.linkOf(remote("a"));
    await spokes.linkOf(remote("a"));
    expect(reads).toEqual(["a"]);
    secrets.set("a", secretOf("a", { value: kubeconfig("https://two") }));
    versions.announce({ kind: "deleted", object: secretOf("other") });
    versions.announce({ kind: "added", object: secretOf("a") });
    await spokes.linkOf(remote("a"));
    expect(reads).toEqual(["a", "a"]);
    await eventually(() =>
      expect([connected, closed]).toEqual([["https://one", "https://two"], ["https://one"]]),
    );
  });

  it("ends the connection when the kubeconfig is removed", async () => {
    const secrets = new Map([["a", secretOf("a", { value: kubeconfig("https://one") })]]);
    const { spokes, closed, versions } = start(secrets);
    await spokes.linkOf(remote("a"));
    secrets.clear();
    versions.announce({ kind: "deleted", object: secretOf("a") });
    expect(await spokes.linkOf(remote("a"))).toMatchObject({ kind: "missing" });
    await eventually(() => expect(closed).toEqual(["https://one"]));
  });

  it("reads a Secret again that changed during the read, that another reference names, that is five minutes old, or that a clock set back makes newer than now", async () => {
    const value = kubeconfig("https://one");
    const secrets = new Map(["a", "b"].map((name) => [name, secretOf(name, { value })]));
    const { spokes, reads, versions, now } = start(secrets);
    const reading = spokes.linkOf(remote("a"));
    versions.announce({ kind: "added", object: secretOf("a") });
    await reading;
    await spokes.linkOf(remote("a"));
    expect(reads).toEqual(["a", "a"]);
    await spokes.linkOf(remote("a", "b"));
    expect(reads).toEqual(["a", "a", "b"]);
    now.ms = 300_000;
    await spokes.linkOf(remote("a", "b"));
    expect(reads).toEqual(["a", "a", "b", "b"]);
    now.ms = 299_999;
    await spokes.linkOf(remote("a", "b"));
    expect(reads).toEqual(["a", "a", "b", "b", "b"]);
  });

  it.each([
    ["cannot be watched", undefined],
    ["can no longer be watched", 150_000],
  ])("reads a Secret again after 15 seconds where Secrets %s", async (_, silentForMs) => {
    const secrets = new Map<string, SecretObject>();
    const { spokes, versions, now } = start(secrets);
    versions.silentForMs = () => silentForMs;
    expect(await spokes.linkOf(remote("a"))).toMatchObject({ kind: "missing" });
    secrets.set("a", secretOf("a", { value: kubeconfig("https://one") }));
    now.ms = 14_999;
    expect(await spokes.linkOf(remote("a"))).toMatchObject({ kind: "missing" });
    now.ms = 15_000;
    expect(await spokes.linkOf(remote("a"))).toMatchObject({ kind: "spoke" });
  });
});
