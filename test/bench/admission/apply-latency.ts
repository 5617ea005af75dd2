import { GROUP } from "../../../src/api/kind.ts";
import { ANNOTATION, LABEL } from "../../../src/api/label.ts";
import { sleep } from "../../../src/platform/shutdown.ts";
import type { ApiConnection } from "../../../src/playground/story/api-connection.ts";
import { quantile, type Spread, spreadOf } from "../statistic.ts";
import { environmentName, ordinaryName, organizationName } from "./fleet.ts";

/** The time of a server-side apply of a ConfigMap without an admission check, with a native policy, and with the webhook. */
export type ApplyResult = Record<Arm, { p50Ms: Spread; p99Ms: Spread }> & {
  /** The time that admission adds to a write, from the median of each round. */
  added: { policyMs: Spread; webhookMs: Spread };
};

type Arm = "nothing" | "policy" | "webhook";

const ARMS: Record<Arm, string> = {
  nothing: ordinaryName(0),
  policy: ordinaryName(1),
  webhook: environmentName(0),
};
/** A group with every right of RBAC, so that only admission can deny its writes. */
const WRITERS = "bench:writers";
const OWNER = "owner-0";
const STRANGER = "mallory";
const READY_MS = 60_000;

export interface ApplyMeter {
  /** Writes `count` times in each namespace, in turn, and does not record the times. */
  warmUp(count: number): Promise<void>;
  /** Writes in the same way, and records the time of each write. */
  round(count: number): Promise<void>;
  result(): ApplyResult;
}

export async function createApplyMeter(api: ApiConnection): Promise<ApplyMeter> {
  const rounds: Record<Arm, number[]>[] = [];
  let writes = 0;

  async function apply(arm: Arm, as = OWNER): Promise<{ status: number; ms: number; body: unknown }> {
    writes += 1;
    const startMs = performance.now();
    const { status, body } = await api.send({
      method: "PATCH",
      path: `/api/v1/namespaces/${ARMS[arm]}/configmaps/bench?fieldManager=bench&force=true`,
      contentType: "application/apply-patch+yaml",
      as,
      asGroups: [WRITERS, "system:authenticated"],
      body: {
        ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "bench" } },
        data: { count: String(writes), text: "x".repeat(1_000) },
      },
    });
    return { status, ms: performance.now() - startMs, body };
  }

  for (const body of setup()) {
    const path = pathOf(body);
    const answer = await api.send({ method: "POST", path, body });
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  }
  for (const arm of ["policy", "webhook"] as const) await untilDenied(() => apply(arm, STRANGER));

  async function write(count: number): Promise<Record<Arm, number[]>> {
    const taken: Record<Arm, number[]> = { nothing: [], policy: [], webhook: [] };
    const arms = Object.keys(ARMS) as Arm[];
    for (let index = 0; index < count * arms.length; index += 1) {
      const arm = arms[index % arms.length] as Arm;
      const { status, ms, body } = await apply(arm);
      if (status >= 300) throw new Error(`apply in ${ARMS[arm]}: ${status} ${JSON.stringify(body)}`);
      taken[arm].push(ms);
    }
    return taken;
  }

  return {
    warmUp: async (count) => void (await write(count)),
    round: async (count) => void rounds.push(await write(count)),
    result() {
      const spread = (arm: Arm, q: number) => spreadOf(rounds.map((taken) => quantile(taken[arm], q)));
      const added = (arm: Arm) =>
        spreadOf(rounds.map((taken) => quantile(taken[arm], 0.5) - quantile(taken.nothing, 0.5)));
      const side = (arm: Arm) => ({ p50Ms: spread(arm, 0.5), p99Ms: spread(arm, 0.99) });
      return {
        ...{ nothing: side("nothing"), policy: side("policy"), webhook: side("webhook") },
        added: { policyMs: added("policy"), webhookMs: added("webhook") },
      };
    },
  };
}

async function untilDenied(write: () => Promise<{ status: number }>): Promise<void> {
  const untilMs = performance.now() + READY_MS;
  while ((await write()).status < 400) {
    if (performance.now() > untilMs) throw new Error("admission does not deny what it must deny");
    await sleep(100);
  }
}

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
}

const pathOf = ({ apiVersion, kind }: Manifest) =>
  `/apis/${apiVersion}/${kind.toLowerCase().replace(/y$/, "ie")}s`;

function setup(): (Manifest & Record<string, unknown>)[] {
  const RBAC = "rbac.authorization.k8s.io";
  const REGISTRATION = "admissionregistration.k8s.io/v1";
  return [
    {
      ...{ apiVersion: `${RBAC}/v1`, kind: "ClusterRoleBinding", metadata: { name: "bench-writers" } },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ apiGroup: RBAC, kind: "Group", name: WRITERS }],
    },
    { ...{ apiVersion: REGISTRATION, kind: "ValidatingAdmissionPolicy" }, ...nativePolicy() },
    {
      ...{ apiVersion: REGISTRATION, kind: "ValidatingAdmissionPolicyBinding" },
      metadata: { name: "bench.example.org" },
      spec: { policyName: "bench.example.org", validationActions: ["Deny"] },
    },
  ];
}

/** A policy that checks a ConfigMap of an environment as the webhook does: its place, labels, evidence and management. */
function nativePolicy() {
  const members = JSON.stringify([OWNER, "member-0"]);
  const groups = JSON.stringify([`${organizationName(0)}-developers`]);
  const had = (part: string, key: string) =>
    `(oldObject != null && has(oldObject.metadata.${part}) && '${key}' in oldObject.metadata.${part} ? oldObject.metadata.${part}['${key}'] : '')`;
  const has = (part: string, key: string) => had(part, key).replaceAll("oldObject", "object");
  const unchanged = (part: string, key: string) => ({ expression: `${has(part, key)} == ${had(part, key)}` });
  return {
    metadata: { name: "bench.example.org" },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        namespaceSelector: {
          matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: [ARMS.policy] }],
        },
        resourceRules: [
          { apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"], operations: ["CREATE", "UPDATE"] },
        ],
      },
      matchConditions: [
        {
          name: "not-platform",
          expression: `!request.userInfo.groups.exists(group, group in ['system:masters', 'catalyst:platform'])`,
        },
      ],
      validations: [
        {
          expression: `request.userInfo.username in ${members} || request.userInfo.groups.exists(group, group in ${groups})`,
        },
        { expression: `${had("labels", `${GROUP}/managed-by`)} == ''` },
        ...Object.values(LABEL).map((label) => unchanged("labels", label)),
        ...[ANNOTATION.approvedBy, ANNOTATION.score].map((name) => unchanged("annotations", name)),
      ],
    },
  };
}
