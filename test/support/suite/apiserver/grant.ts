import type { Bench } from "./behaviour.ts";

export const RBAC = "rbac.authorization.k8s.io/v1";
export const READ = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] }];

const roleRef = (kind: string, name: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name });
const subjectsOf = ({ name }: Bench) => [{ kind: "User", name, apiGroup: "rbac.authorization.k8s.io" }];

/** Gives a user of the namespace's name these rights in the namespace. */
export async function grant(bench: Bench, rules: object[]): Promise<{ as: string }> {
  const metadata = { name: "granted" };
  await bench.must("POST", `${bench.group(RBAC)}/roles`, { metadata, rules });
  await bench.must("POST", `${bench.group(RBAC)}/rolebindings`, {
    ...{ metadata, roleRef: roleRef("Role", "granted"), subjects: subjectsOf(bench) },
  });
  return { as: bench.name };
}

/** Gives the same user these rights on the whole cluster. */
export async function grantEverywhere(bench: Bench, rules: object[]): Promise<{ as: string }> {
  const metadata = { name: bench.name };
  await bench.must("POST", `/apis/${RBAC}/clusterroles`, { metadata, rules });
  await bench.must("POST", `/apis/${RBAC}/clusterrolebindings`, {
    ...{ metadata, roleRef: roleRef("ClusterRole", bench.name), subjects: subjectsOf(bench) },
  });
  return { as: bench.name };
}
