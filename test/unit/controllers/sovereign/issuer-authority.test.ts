import { beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import type { SovereignSpec } from "../../../../src/api/sovereign.ts";
import { readIssuerAuthority } from "../../../../src/controllers/sovereign/issuer-authority.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";
import { createCertificateAuthority } from "../../../support/builder/certificate-authority.ts";

type Reference = SovereignSpec["billing"]["auth"]["caCertificateRef"];

let pem: string;
beforeAll(async () => {
  ({ pem } = await createCertificateAuthority("one"));
});

function named(caCertificateRef?: Reference) {
  const own = sovereign("omantel");
  const auth = { issuer: "https://id.example", audience: "billing" };
  const billing = {
    ...own.spec.billing,
    auth: { ...auth, ...(caCertificateRef === undefined ? {} : { caCertificateRef }) },
  };
  return { ...own, spec: { ...own.spec, billing } };
}

/** An API server that has these objects only. */
const serverWith = (...objects: object[]) =>
  ({
    get: async ({ kind }: { kind: string }, { namespace, name }: { namespace: string; name: string }) =>
      (objects as KubernetesObject[]).find(
        (object) =>
          object.kind === kind && object.metadata.name === name && object.metadata.namespace === namespace,
      ),
  }) as unknown as Pick<KubeClient, "get">;

const metadata = { name: "ca", namespace: "sovereign-omantel" };
const configMap = (data?: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
const secret = (value: string) => ({
  ...{ apiVersion: "v1", kind: "Secret", metadata },
  data: { "ca.crt": Buffer.from(value).toString("base64") },
});
const ref = (kind: "ConfigMap" | "Secret") => ({ kind, name: "ca", key: "ca.crt" });

describe("readIssuerAuthority", () => {
  it("reads nothing for a Sovereign that names none", async () => {
    expect(await readIssuerAuthority({} as KubeClient, named())).toEqual({});
  });

  it("reads a key of a ConfigMap or of a Secret in the Sovereign's namespace", async () => {
    const expected = { pem: `${pem}\n` };
    const inMap = serverWith(configMap({ "ca.crt": pem }));
    expect(await readIssuerAuthority(inMap, named(ref("ConfigMap")))).toEqual(expected);
    expect(await readIssuerAuthority(serverWith(secret(pem)), named(ref("Secret")))).toEqual(expected);
  });

  it.each([
    [
      "the ConfigMap does not exist",
      () => [secret(pem)],
      "ConfigMap",
      "ConfigMapMissing",
      "ConfigMap sovereign-omantel/ca does not exist: create it with the authorities of the issuer's certificate, in PEM, under key ca.crt",
    ],
    [
      "the Secret does not exist",
      () => [configMap({ "ca.crt": pem })],
      "Secret",
      "SecretMissing",
      "Secret sovereign-omantel/ca does not exist: create it with the authorities of the issuer's certificate, in PEM, under key ca.crt",
    ],
    [
      "the ConfigMap is empty",
      () => [configMap()],
      "ConfigMap",
      "KeyMissing",
      "ConfigMap sovereign-omantel/ca has no key ca.crt: add it with the authorities of the issuer's certificate, in PEM",
    ],
    [
      "the value is no certificate",
      () => [secret("a-secret-value")],
      "Secret",
      "KeyInvalid",
      "Secret sovereign-omantel/ca, key ca.crt: the value must be one or more certificates in PEM, and nothing else",
    ],
  ] as const)("says why it has none: %s", async (_why, objects, kind, reason, message) => {
    expect(await readIssuerAuthority(serverWith(...objects()), named(ref(kind)))).toEqual({
      problem: { reason, message },
    });
  });
});
