import { notAcceptable } from "./refusal.ts";

/** The form of the answer that the client accepts. */
export interface AnswerForm {
  encoding: "json" | "yaml";
  /** `Table` and `PartialObjectMetadata` of meta.k8s.io/v1, or the objects themselves. */
  as: "object" | "Table" | "PartialObjectMetadata";
}

interface MediaRange {
  type: string;
  parameters: Record<string, string>;
}

const ACCEPTED = ["application/json", "application/yaml"];

/** The first acceptable form of an Accept header; 406 when there is none, as for clients that insist on protobuf. */
export function answerForm(accept: string | undefined): AnswerForm {
  const ranges = mediaRanges(accept ?? "");
  if (ranges.length === 0) return { encoding: "json", as: "object" };
  for (const { type, parameters } of ranges) {
    const encoding = encodingOf(type);
    if (encoding === undefined || (parameters.stream !== undefined && parameters.stream !== "watch"))
      continue;
    const { as } = parameters;
    if (as === undefined) return { encoding, as: "object" };
    if (parameters.g !== "meta.k8s.io" || parameters.v !== "v1") continue;
    const single = as.replace(/List$/, "");
    if (single === "Table" || single === "PartialObjectMetadata") return { encoding, as: single };
  }
  throw notAcceptable(ACCEPTED);
}

function encodingOf(type: string): AnswerForm["encoding"] | undefined {
  switch (type) {
    case "application/json":
    case "application/*":
    case "*/*":
      return "json";
    case "application/yaml":
      return "yaml";
    default:
      return undefined;
  }
}

/** Sorted by `q`, highest first, then in the given order. */
export function mediaRanges(header: string): MediaRange[] {
  return header
    .split(",")
    .map((range) => range.trim())
    .filter((range) => range !== "")
    .map((range) => {
      const [type = "", ...rest] = range.split(";").map((part) => part.trim());
      const parameters = Object.fromEntries(
        rest.map((part) => {
          const [name = "", value = ""] = part.split("=", 2);
          return [name.toLowerCase(), value.replace(/^"|"$/g, "")];
        }),
      );
      return { type: type.toLowerCase(), parameters };
    })
    .sort((a, b) => Number(b.parameters.q ?? 1) - Number(a.parameters.q ?? 1));
}

/** `application/json` of `application/json; charset=utf-8`. */
export function mediaTypeOf(header: string | undefined): string {
  return (header ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}
