import { describe, expect, it } from "vitest";
import type { Sovereign } from "../../../../../src/api/sovereign.ts";
import type { IssuerProbe } from "../../../../../src/controllers/sovereign/measurement.ts";
import { observeIssuer } from "../../../../../src/controllers/sovereign/step/issuer.ts";
import { condition, IMAGE, sovereign, verifiedOn } from "../../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

const ISSUER = "https://id.example/realms/om";
function signedInAt(issuer: string | undefined, status?: Sovereign["status"]): Sovereign {
  const own = sovereign("omantel", {}, status);
  const auth = issuer === undefined ? own.spec.billing.auth : { issuer, audience: "billing" };
  return { ...own, spec: { ...own.spec, billing: { ...own.spec.billing, auth } } };
}

/** Observes the issuer once; its probe has this result. */
async function observe(own: Sovereign, probe: IssuerProbe, authority = {}) {
  const asked: unknown[] = [];
  const probeIssuer = async (source: object) => {
    asked.push(source);
    return probe;
  };
  const context = contextOf(own, {}, { probeIssuer });
  await observeIssuer(context, authority);
  return { ...context, asked };
}

describe("observeIssuer", () => {
  it.each([
    [
      "True when its keys can be read",
      { kind: "reachable" },
      "True",
      "KeysRead",
      `the keys of issuer ${ISSUER} can be read`,
    ],
    [
      "Unknown when it does not answer",
      { kind: "unreachable", cause: "GET … did not answer in time" },
      "Unknown",
      "IssuerUnreachable",
      `the operator cannot reach issuer ${ISSUER} (GET … did not answer in time): check that the issuer runs`,
    ],
    [
      "False when no trusted authority signed its certificate",
      { kind: "unknownAuthority", cause: "GET … failed: self-signed certificate" },
      "False",
      "UnknownAuthority",
      `billing cannot read the keys of issuer ${ISSUER} (GET … failed: self-signed certificate): name the authority of the issuer's certificate in spec.billing.auth.caCertificateRef`,
    ],
    [
      "False when its certificate is not valid",
      { kind: "invalidCertificate", cause: "GET … failed: certificate has expired" },
      "False",
      "CertificateInvalid",
      `billing cannot read the keys of issuer ${ISSUER} (GET … failed: certificate has expired): give the issuer a certificate that is valid now and has its host name`,
    ],
    [
      "False when its answer is not that of an issuer",
      { kind: "invalidAnswer", cause: "GET … answered 404" },
      "False",
      "IssuerInvalid",
      `billing cannot read the keys of issuer ${ISSUER} (GET … answered 404): correct spec.billing.auth.issuer, or the issuer`,
    ],
  ] as const)("reports the issuer as %s", async (_what, probe, status, reason, message) => {
    const { findings, events, asked } = await observe(signedInAt(ISSUER), probe, { pem: "PEM" });
    expect(findings.conditions).toEqual([{ type: "IssuerReachable", status, reason, message }]);
    expect(asked).toEqual([{ issuer: ISSUER, authority: "PEM" }]);
    expect(events).toEqual(status === "False" ? [{ type: "Warning", reason, message }] : []);
    expect(findings.requeueAfterMs).toBe(30 * 60_000);
  });

  it("reports authorities that cannot be read, and asks no issuer", async () => {
    const problem = { reason: "ConfigMapMissing", message: "ConfigMap a/ca does not exist" } as const;
    const { findings, events, asked } = await observe(signedInAt(ISSUER), { kind: "reachable" }, { problem });
    expect(findings.conditions).toEqual([{ type: "IssuerReachable", status: "False", ...problem }]);
    expect(events).toEqual([{ type: "Warning", ...problem }]);
    expect(asked).toEqual([]);
  });

  it("records one Event while the reason stays the same", async () => {
    const before = { ...condition("IssuerReachable", "False"), reason: "UnknownAuthority" };
    const own = signedInAt(ISSUER, { ...verifiedOn(IMAGE), conditions: [before] });
    expect((await observe(own, { kind: "unknownAuthority", cause: "another text" })).events).toEqual([]);
  });

  it.each([
    ["no issuer", undefined],
    ["an issuer without TLS", "http://id.example"],
  ])("reports nothing for a Sovereign with %s", async (_what, issuer) => {
    const { findings, asked } = await observe(signedInAt(issuer), { kind: "reachable" });
    expect([findings.conditions, asked]).toEqual([[], []]);
  });

  it.each([
    ["no issuer", undefined],
    ["an issuer without TLS", "http://id.example"],
  ])("withdraws its report when the Sovereign has %s now, and plans no check", async (_what, issuer) => {
    const before = { ...condition("IssuerReachable", "False"), reason: "UnknownAuthority" };
    const own = signedInAt(issuer, { ...verifiedOn(IMAGE), conditions: [before] });
    const { findings } = await observe(own, { kind: "reachable" });
    expect(findings.conditions).toEqual([
      {
        ...{ type: "IssuerReachable", status: "True", reason: "NotNeeded" },
        message: "the spec names no issuer with TLS",
      },
    ]);
    expect(findings.requeueAfterMs).toBeUndefined();
  });
});
