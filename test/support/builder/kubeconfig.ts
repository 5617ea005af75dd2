import { parse, stringify } from "yaml";

/** The same kubeconfig, with these fields of its cluster or of its user. */
export function withFields(kubeconfig: string, fields: { cluster?: object; user?: object }): string {
  const { clusters, users, ...rest } = parse(kubeconfig);
  const [{ cluster, ...inCluster }] = clusters;
  const [{ user, ...inUser }] = users;
  return stringify({
    ...rest,
    clusters: [{ ...inCluster, cluster: { ...cluster, ...fields.cluster } }],
    users: [{ ...inUser, user: fields.user ?? user }],
  });
}

export const withToken = (text: string, token: string) => withFields(text, { user: { token } });
