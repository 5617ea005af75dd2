import { userInfo } from "node:os";
import { SOVEREIGN, type Sovereign } from "../api/sovereign.ts";
import { SIGNED_TOKEN_S, signSharedSecretToken } from "../billing/auth/shared-secret-token.ts";
import { isSubject, type Role } from "../billing/auth/token.ts";
import { createEnvReader, type Env } from "../platform/env.ts";
import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, listed, parseCommandLine } from "./flag.ts";
import { CLUSTER_ENVIRONMENT, CLUSTER_FLAGS, type ClusterChoice, connectToCluster } from "./kubeconfig.ts";
import { readNamed } from "./named-object.ts";
import { readSigningKey } from "./sovereign-billing.ts";

/** `customer` is not one of billing's roles. A token with it has no administrator's rights. */
const ROLES = ["superadmin", "sovereign-admin", "sovereign-auditor", "customer"] as const satisfies readonly (
  | Role
  | "customer"
)[];

const FLAGS = [
  { name: "sovereign", value: "NAME", description: "the Sovereign; not needed when JWT_SECRET is set" },
  { name: "role", value: "ROLE", choices: ROLES, fallback: "sovereign-admin", description: listed(ROLES) },
  {
    name: "user",
    value: "ID",
    description: "the user of the token (the name of the user who runs the command)",
  },
  { name: "email", value: "ADDRESS", description: "the user's address (none)" },
  ...CLUSTER_FLAGS,
] as const satisfies readonly Flag[];

export const command: Command = {
  summary: "print a token for a Sovereign's voucher API, signed with its key",
  usage: "--sovereign NAME",
  description: [
    `Prints a token for a Sovereign's voucher API and for the field "Access token" on /admin. The token is valid for ${SIGNED_TOKEN_S / 60} minutes. The command signs it with the Sovereign's HS256 key, so it is for those who may read that key: it reads the Secret of spec.billing.auth.secretRef from the cluster. The audit trail names the user of the token.`,
  ],
  flags: FLAGS,
  environment: [
    ...CLUSTER_ENVIRONMENT,
    [
      "JWT_SECRET",
      "the Sovereign's HS256 key (or JWT_SECRET_FILE), for those who hold it without access to the cluster",
    ],
  ],
  examples: [
    ["catalyst token --sovereign omantel", "print a token for the page /admin"],
    [
      "catalyst token --sovereign omantel --role sovereign-auditor --user amal",
      "print one that may read everything and change nothing",
    ],
  ],
  exitCodes: "0 done, 1 the key cannot be read, 2 wrong usage",
  async run({ args, env, stdout }) {
    const { sovereign, kubeconfig, context, ...person } = parseFlags(args);
    const given = createEnvReader(env).key("JWT_SECRET");
    if (given !== undefined && sovereign !== undefined)
      throw new UsageError("--sovereign and JWT_SECRET both name a key: use one of them");
    const secret = given ?? (await readSecret(requireSovereign(sovereign), env, { kubeconfig, context }));
    stdout.write(`${await signSharedSecretToken({ ...person, now: new Date() }, secret)}\n`);
    return EXIT.done;
  },
};

function parseFlags(args: string[]) {
  const { values } = parseCommandLine(FLAGS, args);
  if (values.user === "") throw new UsageError("--user must not be empty");
  const person = { userId: values.user ?? userName(), email: values.email ?? "" };
  // The service would refuse the token, or leave the address out.
  if (!isSubject(person.userId)) throw notSubject("--user");
  if (person.email !== "" && !isSubject(person.email)) throw notSubject("--email");
  return { ...values, ...person };
}

const notSubject = (flag: string) =>
  new UsageError(
    `${flag} must have at most 255 characters, without line breaks and other control characters`,
  );

/** In a container, the process's user may have no name. */
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

async function readSecret(name: string, env: Env, choice: ClusterChoice): Promise<string> {
  const client = connectToCluster(env, "catalyst-token", choice);
  try {
    return await readSigningKey(client, await readNamed<Sovereign>(client, SOVEREIGN, name));
  } finally {
    await client.close();
  }
}
