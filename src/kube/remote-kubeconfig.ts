import { KubeConfig } from "@kubernetes/client-node";
import { isMap, listOf, mapOf } from "../api/object.ts";
import { canonicalJson, sha256Digest } from "../platform/canonical-json.ts";
import { parseYamlWithin } from "../platform/yaml.ts";
import { isRefusedAddress } from "./remote-address.ts";

/** The address of another cluster and the credentials for it. Refers to no file and to no program. */
export interface RemoteKubeconfig {
  server: string;
  config: KubeConfig;
  /** Two kubeconfigs with the same digest name the same server, certificates and credentials. */
  digest: string;
}

export type KubeconfigResult =
  | { kind: "accepted"; kubeconfig: RemoteKubeconfig }
  /** Each problem names the field and the remedy. It contains no value, because values are credentials. */
  | { kind: "refused"; problems: string[] };

/** A kubeconfig with certificates is much smaller. The parser takes up to 400 ms for hostile text of this length. */
const MAX_LENGTH = 65_536;
const INLINE = "put the data itself into the kubeconfig";

/** Fields of a cluster by which the operator would read a file, trust any server, or send credentials elsewhere. */
const REFUSED_OF_CLUSTER: Record<string, string> = {
  "certificate-authority": `names a file of the operator's Pod: ${INLINE}, as certificate-authority-data`,
  "insecure-skip-tls-verify": "would send the credentials to any server: give certificate-authority-data",
  "proxy-url": "would send the requests through another server: remove it",
};
/** Fields of a user by which the operator would run a program, read a file, or act as another user. */
const REFUSED_OF_USER: Record<string, string> = {
  exec: "would run a program in the operator's Pod: give a token or a client certificate",
  "auth-provider": "would run a login in the operator's Pod: give a token or a client certificate",
  tokenFile: `names a file of the operator's Pod: ${INLINE}, as token`,
  "client-certificate": `names a file of the operator's Pod: ${INLINE}, as client-certificate-data`,
  "client-key": `names a file of the operator's Pod: ${INLINE}, as client-key-data`,
  username: "Kubernetes accepts no passwords: give a token or a client certificate",
  password: "Kubernetes accepts no passwords: give a token or a client certificate",
  as: "would act as another user: give that user's own credentials",
  "as-uid": "would act as another user: give that user's own credentials",
  "as-groups": "would act as another user: give that user's own credentials",
  "as-user-extra": "would act as another user: give that user's own credentials",
};

const refusal = (...problems: string[]): KubeconfigResult => ({ kind: "refused", problems });

/**
 * Reads the kubeconfig of another cluster from a Secret. Only inline data is accepted: a Secret must never run a program or
 * read a file in the operator's Pod. Only the current context counts.
 */
export function readRemoteKubeconfig(text: string): KubeconfigResult {
  if (text.length > MAX_LENGTH) return refusal(`the kubeconfig is longer than ${MAX_LENGTH} characters`);
  const document = parseYaml(text);
  if (document === undefined) return refusal("the value is no kubeconfig: write one in YAML or JSON");
  const contextName = document["current-context"];
  const context = mapOf(named(document.contexts, contextName)?.context);
  if (typeof contextName !== "string" || typeof context.cluster !== "string")
    return refusal("current-context: must name one of contexts, and that context a cluster");
  const cluster = mapOf(named(document.clusters, context.cluster)?.cluster);
  const user = mapOf(named(document.users, context.user)?.user);
  const problems = [
    ...refusedFields("cluster", cluster, REFUSED_OF_CLUSTER),
    ...serverProblems(cluster.server),
    ...dataProblems("cluster", cluster, ["certificate-authority-data"]),
    ...refusedFields("user", user, REFUSED_OF_USER),
    ...credentialProblems(user),
  ];
  return problems.length > 0 ? refusal(...problems) : accept(cluster, user);
}

function parseYaml(text: string): Record<string, unknown> | undefined {
  try {
    const document: unknown = parseYamlWithin(MAX_LENGTH, text);
    return isMap(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

const named = (items: unknown, name: unknown): Record<string, unknown> | undefined =>
  listOf(items)
    .map(mapOf)
    .find((item) => item.name === name && typeof name === "string");

/** A field that is empty or `false` has no effect, so it is allowed. */
const refusedFields = (part: string, fields: Record<string, unknown>, refused: Record<string, string>) =>
  Object.entries(refused).flatMap(([name, why]) => (fields[name] ? [`${part}.${name}: ${why}`] : []));

function serverProblems(server: unknown): string[] {
  const url = typeof server === "string" ? URL.parse(server) : null;
  if (url?.protocol !== "https:") return ["cluster.server: must be an https URL"];
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    return ["cluster.server: must have no credentials, no query and no fragment"];
  if (url.pathname !== "/") return ["cluster.server: must have no path, because requests would leave it out"];
  const address = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isRefusedAddress(address) || address === "metadata.google.internal")
    return [`cluster.server: ${address} is no cluster's address: give that of its API server`];
  return [];
}

/** Matches no white space. A pattern with white space in two of its parts took minutes to refuse a text. */
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const dataProblems = (part: string, fields: Record<string, unknown>, names: string[]) =>
  names.flatMap((name) => {
    const value = fields[name];
    if (value === undefined) return [];
    const isPem =
      typeof value === "string" &&
      BASE64.test(value.replace(/\s/g, "")) &&
      Buffer.from(value, "base64").toString().includes("-----BEGIN ");
    return isPem ? [] : [`${part}.${name}: must be PEM in base64`];
  });

function credentialProblems(user: Record<string, unknown>): string[] {
  const data = dataProblems("user", user, ["client-certificate-data", "client-key-data"]);
  if (data.length > 0) return data;
  const hasCertificate = user["client-certificate-data"] !== undefined;
  if (hasCertificate !== (user["client-key-data"] !== undefined))
    return ["user: client-certificate-data and client-key-data need each other"];
  const { token } = user;
  if (token !== undefined && (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)))
    return ["user.token: must be a token on one line"];
  return token === undefined && !hasCertificate
    ? ["user: needs a token, or client-certificate-data with client-key-data"]
    : [];
}

/** Copies the accepted fields only, so that the library sees no other. */
function accept(cluster: Record<string, unknown>, user: Record<string, unknown>): KubeconfigResult {
  const server = String(cluster.server);
  const pick = (from: Record<string, unknown>, name: string, as: string) =>
    typeof from[name] === "string" ? { [as]: from[name] } : {};
  const accepted = {
    cluster: {
      name: "cluster",
      server,
      skipTLSVerify: false,
      ...pick(cluster, "certificate-authority-data", "caData"),
      ...pick(cluster, "tls-server-name", "tlsServerName"),
    },
    user: {
      name: "user",
      ...pick(user, "token", "token"),
      ...pick(user, "client-certificate-data", "certData"),
      ...pick(user, "client-key-data", "keyData"),
    },
  };
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [accepted.cluster],
    users: [accepted.user],
    contexts: [{ name: "context", cluster: "cluster", user: "user" }],
    currentContext: "context",
  });
  const digest = sha256Digest(canonicalJson([accepted.cluster, accepted.user]));
  return { kind: "accepted", kubeconfig: { server, config, digest } };
}
