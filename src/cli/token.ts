import { userInfo } from "node:os";
import { sovereignNamespace } from "../api/name.ts";
import { type KubernetesObject, type SecretObject, secretValue } from "../api/object.ts";
import { SOVEREIGN, type Sovereign } from "../api/sovereign.ts";
import { SHARED_SECRET_TOKEN_S, signSharedSecretToken } from "../billing/auth/shared-secret-token.ts";
import type { Role } from "../billing/auth/token.ts";
import { resourceOf, SECRETS } from "../kube/resource.ts";
import { createEnvReader, type Env } from "../platform/env.ts";
import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT, parseCommandLine } from "./command.ts";
import { connectToCluster } from "./kubeconfig.ts";

/** `customer` is not a role of billing: its token has no administrator's rights. */
const ROLES: readonly (Role | "customer")[] = [
  "superadmin",
  "sovereign-admin",
  "sovereign-auditor",
  "customer",
];

const HELP = `Usage: catalyst token --sovereign NAME [--role ROLE] [--user ID] [--email ADDRESS]

Prints a token for a Sovereign's voucher API and for the field "Access token" on /admin. The token is valid for
${SHARED_SECRET_TOKEN_S / 60} minutes. The command signs it with the Sovereign's HS256 key, so it is for those who may read that key: it
reads the Secret of spec.billing.auth.secretRef from the cluster. The audit trail names the user of the token.

  --sovereign NAME    the Sovereign; not needed when JWT_SECRET is set
  --role ROLE         ${ROLES.join(", ")} (sovereign-admin)
  --user ID           the user of the token (the name of the user who runs the command)
  --email ADDRESS     the user's address (none)

Environment:
  KUBECONFIG          the cluster; absent: the cluster of the Pod in which the command runs
  JWT_SECRET          the Sovereign's HS256 key (or JWT_SECRET_FILE), for those who hold it without access to the cluster

Exit codes: 0 done, 1 the key cannot be read, 2 wrong usage.
`;

export const command: Command = {
  summary: "print a token for a Sovereign's voucher API, signed with its key",
  help: HELP,
  async run({ args, env, stdout }) {
    const { sovereign, ...person } = parseFlags(args);
    const given = createEnvReader(env).key("JWT_SECRET");
    if (given !== undefined && sovereign !== undefined)
      throw new UsageError("--sovereign and JWT_SECRET both name a key: use one of them");
    const secret = given ?? (await readSecret(requireSovereign(sovereign), env));
    stdout.write(`${await signSharedSecretToken({ ...person, now: new Date() }, secret)}\n`);
    return EXIT.done;
  },
};

interface TokenFlags {
  sovereign: string | undefined;
  role: (typeof ROLES)[number];
  userId: string;
  email: string;
}

function parseFlags(args: string[]): TokenFlags {
  const text = { type: "string" as const };
  const { values } = parseCommandLine({
    args,
    options: { sovereign: text, role: text, user: text, email: text },
  });
  const role = ROLES.find((known) => known === (values.role ?? "sovereign-admin"));
  if (role === undefined) throw new UsageError(`--role must be one of ${ROLES.join(", ")}`);
  if (values.user === "") throw new UsageError("--user must not be empty");
  return { sovereign: values.sovereign, role, userId: values.user ?? userName(), email: values.email ?? "" };
}

/** In a container, the user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    throw new UsageError("--user is required: the user of this process has no name");
  }
}

function requireSovereign(name: string | undefined): string {
  if (!name) throw new UsageError("--sovereign is required: name the Sovereign, or set JWT_SECRET");
  return name;
}

async function readSecret(name: string, env: Env): Promise<string> {
  const client = connectToCluster(env, "catalyst-token");
  try {
    const sovereign = await client.get<Sovereign & KubernetesObject>(resourceOf(SOVEREIGN), { name });
    if (sovereign === undefined) throw new Error(`the cluster has no Sovereign ${name}`);
    const { billing, namespace: chosen } = sovereign.spec;
    const { secretRef } = billing.auth;
    if (secretRef === undefined)
      throw new Error(`Sovereign ${name} has no HS256 key: sign in at its issuer, ${billing.auth.issuer}`);
    const namespace = sovereignNamespace(name, chosen);
    const secret = await client.get<SecretObject>(SECRETS, {
      name: secretRef.name,
      namespace,
    });
    const value = secretValue(secret, secretRef.key ?? "secret");
    if (value === undefined)
      throw new Error(
        `Secret ${namespace}/${secretRef.name} has no key ${secretRef.key ?? "secret"}: create it`,
      );
    return value;
  } finally {
    await client.close();
  }
}
