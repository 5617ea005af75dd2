import { findCondition, type NewCondition } from "../../../api/condition.ts";
import { ISSUER_REACHABLE as TYPE } from "../../../api/sovereign.ts";
import { canonicalJson, sha256Digest } from "../../../platform/canonical-json.ts";
import type { ReconcileContext } from "../context.ts";
import { requeueWithin } from "../findings.ts";
import type { IssuerAuthority } from "../issuer-authority.ts";
import type { IssuerProbe } from "../measurement.ts";
import { recordNewReason } from "../report.ts";
import { falseCondition, trueCondition } from "../status.ts";

/** No watch reports a certificate that the issuer renewed. */
const CHECK_MS = 30 * 60_000;

/**
 * Reports whether the issuer's keys can be read over TLS with the authorities that billing trusts. It stops nothing: an
 * issuer that is down must not halt a rollout, and billing accepts other tokens meanwhile.
 */
export async function observeIssuer(context: ReconcileContext, authority: IssuerAuthority): Promise<void> {
  const { sovereign, findings } = context;
  const { issuer } = sovereign.spec.billing.auth;
  if (issuer?.startsWith("https://") !== true) return withdrawReport(context);
  const condition = await judgeIssuer(context, issuer, authority);
  if (condition === undefined) return;
  if (condition.status === "False") recordNewReason(context, TYPE, condition);
  findings.conditions.push(condition);
  requeueWithin(findings, CHECK_MS);
}

function withdrawReport({ sovereign, findings }: ReconcileContext): void {
  if (findCondition(sovereign.status?.conditions, TYPE) !== undefined)
    findings.conditions.push(trueCondition(TYPE, "NotNeeded", "the spec names no issuer with TLS"));
}

/** Undefined while the first measurement runs. */
async function judgeIssuer(
  { deps, sovereign }: ReconcileContext,
  issuer: string,
  { pem, problem }: IssuerAuthority,
): Promise<NewCondition | undefined> {
  if (problem !== undefined) return falseCondition(TYPE, problem.reason, problem.message);
  const probe = await deps.issuerProbes.read(
    sovereign.metadata.name,
    sha256Digest(canonicalJson([issuer, pem ?? null])),
    async () => {
      const value = await deps.probeIssuer({ issuer, authority: pem });
      return { value, isGood: value.kind === "reachable" };
    },
    CHECK_MS,
  );
  return probe && conditionOf(probe, issuer);
}

function conditionOf(probe: IssuerProbe, issuer: string): NewCondition {
  if (probe.kind === "reachable")
    return trueCondition(TYPE, "KeysRead", `the keys of issuer ${issuer} can be read`);
  if (probe.kind === "unreachable")
    return {
      ...{ type: TYPE, status: "Unknown", reason: "IssuerUnreachable" },
      message: `the operator cannot reach issuer ${issuer} (${probe.cause}): check that the issuer runs`,
    };
  const [reason, remedy] = FAILURES[probe.kind];
  return falseCondition(
    TYPE,
    reason,
    `billing cannot read the keys of issuer ${issuer} (${probe.cause}): ${remedy}`,
  );
}

const FAILURES: Record<
  Exclude<IssuerProbe["kind"], "reachable" | "unreachable">,
  [reason: string, remedy: string]
> = {
  unknownAuthority: [
    "UnknownAuthority",
    "name the authority of the issuer's certificate in spec.billing.auth.caCertificateRef",
  ],
  invalidCertificate: [
    "CertificateInvalid",
    "give the issuer a certificate that is valid now and has its host name",
  ],
  invalidAnswer: ["IssuerInvalid", "correct spec.billing.auth.issuer, or the issuer"],
};
