import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { ConfigMapObject, KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { CONFIG_MAPS, DEPLOYMENTS, SECRETS } from "../../../src/kube/resource.ts";
import { IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../support/builder/certificate-authority.ts";
import { RELEASES, SOVEREIGNS, useOperatorBench } from "../../support/process/operator-bench.ts";
import { type Issuer, startIssuer } from "../../support/server/issuer.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
let authority: CertificateAuthority;
let other: CertificateAuthority;
let issuer: Issuer;

beforeAll(async () => {
  authority = await createCertificateAuthority("one");
  other = await createCertificateAuthority("other");
  issuer = await startIssuer({ certificate: await authority.server("issuer", ["127.0.0.1"]) });
  const { spec, ...rest } = release();
  await bench.client().create<BillingRelease>(RELEASES, { ...rest, spec: { ...spec, image: IMAGE } });
  bench.startControllers();
});
afterAll(() => issuer.close());

function create(name: string, kind: "ConfigMap" | "Secret"): Promise<Sovereign> {
  const own = sovereign(name, { role: name === "zero" ? "CatalystZero" : "SelfHosted" });
  const auth = {
    ...own.spec.billing.auth,
    ...{ issuer: issuer.issuer, audience: issuer.audience },
    caCertificateRef: { kind, name: "issuer-ca", key: "ca.crt" },
  };
  const billing = { ...own.spec.billing, auth };
  return bench.client().create(SOVEREIGNS, { ...own, spec: { ...own.spec, billing } });
}

const at = (name: string) => ({ name: "issuer-ca", namespace: `sovereign-${name}` });
const desired = (name: string, kind: string, pem: string) =>
  ({
    ...{ apiVersion: "v1", kind, metadata: at(name) },
    data: { "ca.crt": kind === "Secret" ? Buffer.from(pem).toString("base64") : pem },
  }) as KubernetesObject;

/** Waits until billing's ConfigMap has these certificates. */
const awaitFile = (name: string, pem: string | undefined) =>
  until(async () => {
    const key = { name: "billing-config", namespace: `sovereign-${name}` };
    const { data } = (await bench.client().get<ConfigMapObject>(CONFIG_MAPS, key)) ?? {};
    return data?.["issuer-ca.pem"]?.trim() === pem?.trim() ? true : undefined;
  }, "another issuer-ca.pem");

describe.each([
  ["zero", "ConfigMap", CONFIG_MAPS],
  ["follower", "Secret", SECRETS],
] as const)("the authorities of %s's issuer, in a %s", (name, kind, resource) => {
  it("are waited for, checked against the issuer, and followed without a restart of billing", async () => {
    const client = bench.client();
    await create(name, kind);
    await bench.awaitCondition(name, "IssuerReachable", "False", `${kind}Missing`);
    const waiting = await bench.awaitCondition(name, "Ready", "False", `${kind}Missing`);
    expect(JSON.stringify(waiting.status?.conditions)).toContain(
      `${kind} sovereign-${name}/issuer-ca does not exist: create it`,
    );

    await client.create(resource, desired(name, kind, other.pem));
    await bench.awaitCondition(name, "IssuerReachable", "False", "UnknownAuthority");
    await bench.awaitCondition(name, "Ready", "True");
    const deployment = { name: "billing", namespace: `sovereign-${name}` };
    const before = (await client.get(DEPLOYMENTS, deployment))?.metadata.generation;

    const { data } = desired(name, kind, other.pem + authority.pem) as ConfigMapObject;
    await client.mergePatch(resource, at(name), { data });
    await bench.awaitCondition(name, "IssuerReachable", "True", "KeysRead");
    await awaitFile(name, `${other.pem}\n${authority.pem}`);
    await bench.awaitCondition(name, "Ready", "True");

    await client.delete(resource, at(name));
    await bench.awaitCondition(name, "IssuerReachable", "False", `${kind}Missing`);
    await awaitFile(name, undefined);
    expect((await client.get(DEPLOYMENTS, deployment))?.metadata.generation).toBe(before);
    const reasons = (await bench.events(name)).map(({ reason }) => reason);
    expect(reasons).toEqual(expect.arrayContaining([`${kind}Missing`, "UnknownAuthority"]));
  });
});
