import { readFileSync } from "node:fs";
import { ownShape } from "../billing/own-shape.ts";
import { readApiFingerprint, readServedSchema } from "../billing/shape.ts";
import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT } from "./command.ts";
import { type Flag, parseCommandLine } from "./flag.ts";
import { formatted, OUTPUT_FLAG, type OutputFormat } from "./output.ts";

const FLAGS = [
  {
    name: "url",
    value: "URL",
    description: "the address of the Sovereign's API, with its path prefix if it has one",
  },
  {
    name: "against",
    value: "URL",
    description: "another Sovereign, for example Catalyst-Zero, as the reference",
  },
  {
    name: "reference",
    value: "FILE",
    description:
      "a BillingRelease as JSON (kubectl get billingrelease NAME -o json), or its status.reference. Without either, this program's own schema and API are the reference",
  },
  OUTPUT_FLAG,
] as const satisfies readonly Flag[];

interface Shape {
  schemaFingerprint: string;
  apiFingerprint: string;
}

/** `name` is the source of the fingerprints. */
type Reference = Shape & { name: string };

export const command: Command = {
  summary: "compare a Sovereign's schema and API with a reference, without a token",
  usage: "--url URL [--against URL | --reference FILE]",
  description: [
    "Compares the fingerprints of a Sovereign's database schema and API with a reference. Equal fingerprints prove that its vouchers have the right shape. It needs no token and changes nothing, so an auditor can run it. Prints the line of curl, jq and sha256sum that reads both fingerprints without this program.",
    "As json and yaml it is {equal, reference, measured, expected, command}.",
  ],
  flags: FLAGS,
  examples: [
    [
      "catalyst verify --url https://omantel.omani.works --against https://zero.catalyst.example",
      "compare a Sovereign with Catalyst-Zero",
    ],
  ],
  exitCodes: "0 both fingerprints are equal, 1 one differs or cannot be read, 2 wrong usage",
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
    const { name, ...expected } = reference;
    const report = { equal, reference: name, measured, expected, command: commandFor(flags.url) };
    const describe = () => {
      const lines = parts.map((part) =>
        part.found === part.expected
          ? `equal    ${part.name.padEnd(6)}  ${part.found}`
          : `DIFFERS  ${part.name.padEnd(6)}  ${part.found}, ${name} has ${part.expected}`,
      );
      return `${lines.join("\n")}\nreference: ${name}\nthe same without this program:\n${report.command}\n`;
    };
    stdout.write(formatted(flags.output, report, describe));
    return equal ? EXIT.done : EXIT.checkFailed;
  },
};

interface VerifyFlags {
  url: string;
  against: string | undefined;
  reference: string | undefined;
  output: OutputFormat;
}

function parseFlags(args: string[]): VerifyFlags {
  const { values } = parseCommandLine(FLAGS, args);
  const { url, against, reference, output } = values;
  const isHttp = (text: string) => /^https?:$/.test(URL.parse(text)?.protocol ?? "");
  if (url === undefined || !isHttp(url)) throw new UsageError("--url must be an http or https URL");
  if (against !== undefined && !isHttp(against))
    throw new UsageError("--against must be an http or https URL");
  if (against !== undefined && reference !== undefined)
    throw new UsageError("--against and --reference both name a reference: keep one");
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

/** `jq -S` sorts members as our canonical JSON does, `-c` omits white space, and `-j` omits the final newline. */
function commandFor(url: string): string {
  const at = (path: string) => `'${`${url.replace(/\/+$/, "")}${path}`.replaceAll("'", "'\\''")}'`;
  return `curl -fsS ${at("/readyz")} | jq -r .schema.fingerprint; curl -fsS ${at("/openapi.json")} | jq -cjS . | sha256sum`;
}
