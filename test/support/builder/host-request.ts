import type { HostFacts } from "../../../src/admission/rules/host.ts";
import type { AdmissionInput, ReviewedObject } from "../../../src/admission/rules/request.ts";

export const facts: HostFacts = {
  place: { kind: "ordinary", namespace: "shop" },
  isForeignNamespace: (name) => name === "sovereign-zero",
  sovereignHosts: new Map([
    ["billing.omantel.omani.works", "omantel"],
    ["zero.catalyst.example", "catalyst-zero"],
  ]),
};
export const request = (
  group: string,
  resource: string,
  spec: object,
  change: Partial<AdmissionInput> = {},
): AdmissionInput => ({
  ...{ operation: "CREATE", group, resource, subresource: "", name: "omantel", namespace: "shop" },
  user: { username: "eve", groups: [] },
  object: { spec } as ReviewedObject,
  oldObject: undefined,
  ...change,
});
export const NETWORKING = "networking.k8s.io";
export const GATEWAY = "gateway.networking.k8s.io";
export const ISTIO = "networking.istio.io";
export const TRAEFIK = "traefik.io";
export const ZERO = "zero.catalyst.example";
export const annotated = (annotation: string, value: string, spec: object = {}): Partial<AdmissionInput> => ({
  object: { metadata: { annotations: { [annotation]: value } }, spec },
});
export const DNS = "external-dns.alpha.kubernetes.io/hostname";
export const CERTIFICATES = "cert-manager.io";
/** DER with one name, in a PEM block, in the form of cert-manager's kind. */
export const signingRequest = (name: string) => {
  const der = Buffer.concat([Buffer.from([0x30, 0x82, name.length]), Buffer.from(name, "latin1")]);
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  return Buffer.from(pem).toString("base64");
};
