import { readFileSync } from "node:fs";
import { ownShape } from "../billing/own-shape.ts";
import { readApiFingerprint, readServedSchema } from "../billing/shape.ts";
import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT, parseCommandLine } from "./command.ts";

const HELP = `Usage: catalyst verify --url URL [--against URL | --reference FILE] [--output text|json]

Proves by reading alone, without a token, that a Sovereign's vouchers have the right shape: compares the fingerprints
of its database schema and of its API with a reference. Prints the line of curl, jq and sha256sum that reads both
fingerprints without this program.

  --url URL          the address of the Sovereign's API, with its path prefix if it has one
  --against URL      another Sovereign, for example Catalyst-Zero, as the reference
  --reference FILE   a BillingRelease as JSON (kubectl get billingrelease NAME -o json), or its status.reference
                     Without either, this program's own schema and API are the reference
  --output FORMAT    text (default) or json: {equal, reference, measured, expected, command}

Exit codes: 0 both fingerprints are equal, 1 one differs or cannot be read, 2 wrong usage.
`;

interface Shape {
  schemaFingerprint: string;
  apiFingerprint: string;
}

/** `name` says whose fingerprints these are. */
type Reference = Shape & { name: string };

export const command: Command = {
  summary: "compare a Sovereign's schema and API with a reference, by reading alone",
  help: HELP,
  async run({ args, signal, stdout }) {
    const flags = parseFlags(args);
    const measure = async (baseUrl: string): Promise<Shape> => {
      const source = { baseUrl, fetch, signal };
      const [{ fingerprint }, apiFingerprint] = await Promise.all([
        readServedSchema(source),
        readApiFingerprint(source),
      ]);
      return { schemaFingerprint: fingerprint, apiFingerprint };
    };
    const measured = await measure(flags.url);
    const reference = await readReference(flags, measure);
    const parts = [
      { name: "schema", found: measured.schemaFingerprint, expected: reference.schemaFingerprint },
      { name: "api", found: measured.apiFingerprint, expected: reference.apiFingerprint },
    ];
    const equal = parts.every(({ found, expected }) => found === expected);
    if (flags.output === "json") {
      const { name, ...expected } = reference;
      const report = { equal, reference: name, measured, expected, command: commandFor(flags.url) };
      stdout.write(`${JSON.stringify(report)}\n`);
    } else {
      const lines = parts.map(({ name, found, expected }) =>
        found === expected
          ? `equal    ${name.padEnd(6)}  ${found}`
          : `DIFFERS  ${name.padEnd(6)}  ${found}, ${reference.name} has ${expected}`,
      );
      stdout.write(
        `${lines.join("\n")}\nreference: ${reference.name}\nthe same without this program:\n${commandFor(flags.url)}\n`,
      );
    }
    return equal ? EXIT.done : EXIT.checkFailed;
  },
};

interface VerifyFlags {
  url: string;
  against: string | undefined;
  reference: string | undefined;
  output: string;
}

function parseFlags(args: string[]): VerifyFlags {
  const { values } = parseCommandLine({
    args,
    options: {
      url: { type: "string" },
      against: { type: "string" },
      reference: { type: "string" },
      output: { type: "string", default: "text" },
    },
  });
  const { url, against, reference, output } = values;
  const isHttp = (text: string) => /^https?:$/.test(URL.parse(text)?.protocol ?? "");
  if (url === undefined || !isHttp(url)) throw new UsageError("--url must be an http or https URL");
  if (against !== undefined && !isHttp(against))
    throw new UsageError("--against must be an http or https URL");
  if (against !== undefined && reference !== undefined)
    throw new UsageError("--against and --reference both name a reference: keep one");
  if (output !== "text" && output !== "json") throw new UsageError("--output must be text or json");
  return { url, against, reference, output };
}

async function readReference(
  { against, reference }: VerifyFlags,
  measure: (url: string) => Promise<Shape>,
): Promise<Reference> {
  if (reference !== undefined) return parseReference(reference);
  const shape = against === undefined ? await ownShape() : await measure(against);
  return { name: against ?? "this program", ...shape };
}

function parseReference(path: string): Reference {
  let content: { status?: { reference?: unknown } } | null;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new UsageError(`--reference cannot be read, or is not JSON: ${path}`);
  }
  const { schemaFingerprint, apiFingerprint } = (content?.status?.reference ?? content ?? {}) as Record<
    string,
    unknown
  >;
  if (typeof schemaFingerprint !== "string" || typeof apiFingerprint !== "string")
    throw new UsageError(`--reference has no schemaFingerprint and apiFingerprint: ${path}`);
  return { name: path, schemaFingerprint, apiFingerprint };
}

/** `jq -S` sorts the members as our canonical JSON does, `-c` leaves out white space, and `-j` the newline at the end. */
function commandFor(url: string): string {
  const at = (path: string) => `'${`${url.replace(/\/+$/, "")}${path}`.replaceAll("'", "'\\''")}'`;
  return `curl -fsS ${at("/readyz")} | jq -r .schema.fingerprint; curl -fsS ${at("/openapi.json")} | jq -cjS . | sha256sum`;
}
