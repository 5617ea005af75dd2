import type { RuleId } from "../../admission/rules/rule-id.ts";
import { GROUP } from "../../api/kind.ts";
import { LABEL, MANAGED_BY } from "../../api/label.ts";
import { type KubernetesObject, listOf, mapOf } from "../../api/object.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";

/** A problem of one installed object: the rule that denies it, and a text with the field and the remedy. */
export interface Finding {
  object: KubernetesObject;
  rule: RuleId;
  category: "trust" | "install" | "claim";
  message: string;
}

/** A result of the PolicyReport API. The time is that of the first check that gave this result. */
interface Result {
  source: string;
  policy: string;
  category: string;
  result: "fail";
  message: string;
  resources: { apiVersion: string; kind: string; namespace?: string; name: string; uid?: string }[];
  timestamp: { seconds: number; nanos: number };
}

/** A PolicyReport of wgpolicyk8s.io/v1alpha2. */
export type PolicyReport = KubernetesObject & { summary: Record<string, number>; results: Result[] };

/** The name of the report in each namespace. The operator's role names it too. */
export const REPORT_NAME = "catalyst-admission";
/** The number of results that the report leaves out. Absent when it has them all. */
const LEFT_OUT = `${GROUP}/results-left-out`;
const MAX_RESULTS = 500;
/**
 * In UTF-16 units. A unit takes at most 6 bytes of JSON, and the rest of a result at most 800. A full report therefore
 * stays below the 1.5 MiB that etcd accepts. The Event of the object has up to 1,024 characters of the message.
 */
const MAX_MESSAGE_LENGTH = 300;

/** The report about a namespace with findings. A result that `live` has already keeps its time. */
export function desiredReport(
  namespace: string,
  findings: readonly Finding[],
  { live, now }: { live: KubernetesObject | undefined; now: Date },
): PolicyReport {
  const nowSeconds = Math.floor(now.getTime() / 1000);
  const known = new Map(
    listOf(mapOf(live).results)
      .map(mapOf)
      .map((it) => [identityOf(it), it.timestamp]),
  );
  const results = findings
    .map((finding) => resultOf(finding, nowSeconds))
    .map((result) => ({ key: identityOf(result), result }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .slice(0, MAX_RESULTS)
    .map(({ key, result }) => ({ ...result, timestamp: earlier(known.get(key), result.timestamp) }));
  const leftOut = findings.length - results.length;
  return {
    apiVersion: "wgpolicyk8s.io/v1alpha2",
    kind: "PolicyReport",
    metadata: {
      ...{ name: REPORT_NAME, namespace, labels: { [LABEL.managedBy]: MANAGED_BY.operator } },
      ...(leftOut === 0 ? {} : { annotations: { [LEFT_OUT]: String(leftOut) } }),
    },
    // Also counts the results that are left out. All counts are set, because an absent one could hold another client's
    // value.
    summary: { pass: 0, fail: findings.length, warn: 0, error: 0, skip: 0 },
    results,
  };
}

/** Whether a write would change nothing that a reader sees. */
export function isSameReport(live: KubernetesObject | undefined, desired: PolicyReport): boolean {
  return live !== undefined && canonicalJson(substanceOf(live)) === canonicalJson(substanceOf(desired));
}

function substanceOf(report: KubernetesObject): object {
  const { labels, annotations } = report.metadata;
  const { summary, results } = mapOf(report);
  return {
    ...{ summary, results },
    managedBy: labels?.[LABEL.managedBy],
    leftOut: annotations?.[LEFT_OUT],
  };
}

function resultOf({ object, rule, category, message }: Finding, seconds: number): Result {
  const { apiVersion, kind, metadata } = object;
  const { namespace, name, uid } = metadata;
  const identity = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
  return {
    ...{ source: "catalyst", policy: rule, category, result: "fail", message: shortened(message) },
    resources: [{ apiVersion, kind, name, ...identity }],
    timestamp: { seconds, nanos: 0 },
  };
}

/** The API server replaces half a surrogate pair, and the next comparison would find a difference. */
const shortened = (message: string): string =>
  (message.length > MAX_MESSAGE_LENGTH
    ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…`
    : message
  ).toWellFormed();

/** A result without its time. */
const identityOf = (result: object): string => canonicalJson({ ...result, timestamp: undefined });

/** Another client may have written the live time. It counts only when it is a time before this check. */
function earlier(live: unknown, present: Result["timestamp"]): Result["timestamp"] {
  const { seconds } = mapOf(live);
  const isTime = Number.isSafeInteger(seconds) && Number(seconds) >= 0 && Number(seconds) < present.seconds;
  return isTime ? { seconds: Number(seconds), nanos: 0 } : present;
}
