import { STANDINGS, type Voucher } from "../billing/voucher/voucher.ts";
import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, listed, parseCommandLine } from "./flag.ts";
import { CLUSTER_ENVIRONMENT, CLUSTER_FLAGS, readKubeConfig } from "./kubeconfig.ts";
import { unknownName } from "./nearest.ts";
import { formatted, OUTPUT_FLAG, type OutputFormat } from "./output.ts";
import { connectToBilling } from "./sovereign-billing.ts";
import { table } from "./table.ts";
import { readTokenFile } from "./token-file.ts";
import { createVoucherClient, type IssueRequest, type VoucherQuery } from "./voucher-client.ts";

const ACTIONS = ["list", "issue", "revoke"] as const satisfies readonly Action["kind"][];

const LIST_FLAGS = [
  {
    name: "standing",
    value: "STANDING",
    choices: STANDINGS,
    description: `of list: ${listed(STANDINGS)} (all that are not revoked)`,
  },
  {
    name: "search",
    value: "TEXT",
    description: "of list: only vouchers with this text in the code or the description",
  },
  {
    name: "limit",
    value: "NUMBER",
    description: "of list: the largest number of vouchers to show, newest first (all)",
  },
] as const satisfies readonly Flag[];

const ISSUE_FLAGS = [
  {
    name: "credit",
    value: "NUMBER",
    description:
      "of issue, required: the credit of each redemption, in whole units of the Sovereign's currency",
  },
  { name: "description", value: "TEXT", description: "of issue: what the voucher is for (empty)" },
  {
    name: "max-redemptions",
    value: "NUMBER",
    description: "of issue: how often the voucher can be redeemed; 0 for no limit (0)",
  },
  { name: "starts-at", value: "TIME", description: "of issue: when redemptions begin, as RFC 3339 (now)" },
  { name: "expires-at", value: "TIME", description: "of issue: when redemptions end, as RFC 3339 (never)" },
  {
    name: "replace",
    description: "of issue: give a live voucher with this code the new terms, instead of refusing",
  },
] as const satisfies readonly Flag[];

const FLAGS = [
  { name: "sovereign", value: "NAME", description: "the Sovereign; required" },
  ...LIST_FLAGS,
  ...ISSUE_FLAGS,
  {
    name: "token-file",
    value: "FILE",
    description:
      "a file with a sovereign-admin's bearer token, for example of the Sovereign's issuer (signed with the Sovereign's HS256 key)",
  },
  OUTPUT_FLAG,
  ...CLUSTER_FLAGS,
] as const satisfies readonly Flag[];

/** The flags that belong to one action only. */
const FLAGS_OF: Partial<Record<Action["kind"], readonly Flag[]>> = {
  list: LIST_FLAGS,
  issue: ISSUE_FLAGS,
};

export const command: Command = {
  summary: "list, issue and revoke a Sovereign's vouchers",
  usage: "ACTION [CODE] --sovereign NAME",
  description: [
    "Lists, issues and revokes vouchers of one Sovereign. It forwards a port of a billing Pod through the API server with your own rights, as kubectl port-forward does, so it also works for a Sovereign without an Ingress. The connection is encrypted up to the Pod's node.",
    "It needs the rights to get the Sovereign, to list Pods and to get and create pods/portforward in the Sovereign's namespace. Without --token-file it also needs to get the Secret of spec.billing.auth.secretRef, and signs a token as catalyst token does, for your name in the cluster. The audit trail shows that name.",
    "As json and yaml, list is the vouchers, issue is the voucher, and revoke is {code, revoked}.",
  ],
  actions: [
    { name: "list", arguments: "", summary: "list vouchers, newest first" },
    { name: "issue", arguments: "[CODE]", summary: "issue a voucher; without CODE, with a random code" },
    { name: "revoke", arguments: "CODE", summary: "end a live voucher; issuing its code brings it back" },
  ],
  flags: FLAGS,
  environment: CLUSTER_ENVIRONMENT,
  examples: [
    [
      "catalyst vouchers issue WELCOME10 --sovereign omantel --credit 10 --max-redemptions 100",
      "issue a voucher that 100 customers can redeem",
    ],
    [
      "catalyst vouchers list --sovereign omantel --standing live",
      "list the vouchers that customers can redeem now",
    ],
    ["catalyst vouchers revoke WELCOME10 --sovereign omantel", "end the campaign"],
  ],
  exitCodes: "0 done, 1 the API or the cluster refuses it, 2 wrong usage",
  async run({ args, env, signal, stdout }) {
    const { action, sovereign, values } = parseArguments(args);
    const tokenFile = values["token-file"];
    const given = tokenFile === undefined ? undefined : readTokenFile(tokenFile);
    const billing = await connectToBilling(readKubeConfig(env, values), sovereign, "catalyst-vouchers");
    try {
      const token = given ?? (await billing.signToken());
      const vouchers = createVoucherClient({ ...billing, token, signal });
      stdout.write(await act(vouchers, action, values.output));
      return EXIT.done;
    } finally {
      await billing.close();
    }
  },
};

type Action =
  | { kind: "list"; query: VoucherQuery }
  | { kind: "issue"; terms: IssueRequest; isNew: boolean }
  | { kind: "revoke"; code: string };

async function act(
  vouchers: ReturnType<typeof createVoucherClient>,
  action: Action,
  output: OutputFormat,
): Promise<string> {
  if (action.kind === "list") {
    const found = await vouchers.list(action.query);
    return formatted(output, found, () =>
      found.length === 0 ? "There are no such vouchers.\n" : voucherTable(found),
    );
  }
  if (action.kind === "issue") {
    const { terms, isNew } = action;
    const voucher = await vouchers.issue(terms, { isNew });
    return formatted(output, voucher, () => `voucher ${voucher.code} issued\n`);
  }
  const { code } = action;
  await vouchers.revoke(code);
  return formatted(output, { code, revoked: true }, () => `voucher ${code} revoked\n`);
}

function voucherTable(vouchers: readonly Voucher[]): string {
  return table(
    ["CODE", "CREDIT", "REDEEMED", "STANDING", "STARTS", "EXPIRES", "DESCRIPTION"],
    vouchers.map((voucher) => [
      voucher.code,
      String(voucher.credit_omr),
      voucher.max_redemptions === 0
        ? String(voucher.times_redeemed)
        : `${voucher.times_redeemed}/${voucher.max_redemptions}`,
      voucher.standing,
      voucher.starts_at ?? "",
      voucher.expires_at ?? "",
      voucher.description,
    ]),
  );
}

const parseFlags = (args: string[]) => parseCommandLine(FLAGS, args, { allowPositionals: true });

type Values = ReturnType<typeof parseFlags>["values"];

function parseArguments(args: string[]) {
  const { values, positionals } = parseFlags(args);
  const [word = "", code = "", surplus] = positionals;
  const kind = ACTIONS.find((known) => known === word);
  if (kind === undefined) throw new UsageError(unknownName("action", word, ACTIONS));
  if (!values.sovereign) throw new UsageError("--sovereign is required: name the Sovereign");
  if (kind === "revoke" && code === "")
    throw new UsageError("name the voucher: catalyst vouchers revoke CODE");
  const unused = surplus ?? (kind === "list" && code !== "" ? code : undefined);
  if (unused !== undefined) throw new UsageError(`vouchers ${kind} does not take ${unused}`);
  refuseForeignFlags(kind, values);
  return { action: actionOf(kind, code, values), sovereign: values.sovereign, values };
}

function refuseForeignFlags(kind: Action["kind"], values: Record<string, unknown>): void {
  for (const [owner, flags = []] of Object.entries(FLAGS_OF)) {
    const used = flags.find(({ name }) => values[name] !== undefined && values[name] !== false);
    if (owner !== kind && used !== undefined)
      throw new UsageError(`--${used.name} is for vouchers ${owner}: leave it out`);
  }
}

function actionOf(kind: Action["kind"], code: string, values: Values): Action {
  switch (kind) {
    case "list": {
      const { standing, search: text, limit } = values;
      return { kind, query: { standing, text, limit: limitOf(limit) } };
    }
    case "issue":
      return { kind, terms: termsOf(code, values), isNew: !values.replace };
    case "revoke":
      return { kind, code };
  }
}

function termsOf(code: string, values: Values): IssueRequest {
  const credit = wholeNumber("credit", values.credit);
  if (credit === undefined)
    throw new UsageError("--credit is required: whole units of the Sovereign's currency");
  return {
    ...(code === "" ? {} : { code }),
    credit_omr: credit,
    description: values.description,
    max_redemptions: wholeNumber("max-redemptions", values["max-redemptions"]),
    starts_at: values["starts-at"],
    expires_at: values["expires-at"],
  };
}

function limitOf(text: string | undefined): number | undefined {
  const limit = wholeNumber("limit", text);
  if (limit !== undefined && limit < 1) throw new UsageError(`--limit must be 1 or more, not ${limit}`);
  return limit;
}

/** The API checks the bounds. A text that is no number is refused here, because it would reach the API as another type. */
function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw new UsageError(`--${flag} must be a whole number, not '${text}'`);
  return Number(text);
}
