import { type Environment, Optional } from "@marcbachmann/cel-js";
import { formatCheck } from "../format.ts";
import {
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from "../name.ts";
import type { Define } from "./define.ts";

class NamedFormat {
  readonly problems: (text: string) => string[];
  constructor(problems: (text: string) => string[]) {
    this.problems = problems;
  }
}

const checked = (format: string, message: string) => (text: string) =>
  formatCheck(format)?.(text) ? [] : [message];

const FORMATS: Record<string, (text: string) => string[]> = {
  dns1123Label: dns1123LabelProblems,
  dns1123Subdomain: dns1123SubdomainProblems,
  dns1035Label: dns1035LabelProblems,
  qualifiedName: qualifiedNameProblems,
  dns1123LabelPrefix: (text) => dns1123LabelProblems(text.replace(/-$/, "")),
  dns1123SubdomainPrefix: (text) => dns1123SubdomainProblems(text.replace(/[-.]$/, "")),
  dns1035LabelPrefix: (text) => dns1035LabelProblems(text.replace(/-$/, "")),
  labelValue: labelValueProblems,
  uri: checked("uri", "invalid URI"),
  uuid: checked("uuid", "does not match the UUID format"),
  byte: checked("byte", "invalid base64"),
  date: checked("date", "invalid date"),
  datetime: checked("datetime", "invalid datetime"),
};

/** `format.dns1123Label().validate(x)`: `optional.none()` when `x` is valid, else the errors. */
export function registerFormats(environment: Environment, define: Define): void {
  const TYPE = "kubernetes.NamedFormat";
  class FormatNamespace {}
  environment.registerType(TYPE, NamedFormat);
  environment.registerType("FormatNamespace", FormatNamespace);
  environment.registerConstant("format", "FormatNamespace", new FormatNamespace());
  for (const [name, problems] of Object.entries(FORMATS)) {
    const format = new NamedFormat(problems);
    define(`FormatNamespace.${name}(): ${TYPE}`, () => format);
  }
  define(`FormatNamespace.named(string): optional<${TYPE}>`, (_: unknown, name: string) => {
    const problems = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
    return problems === undefined ? Optional.none() : Optional.of(new NamedFormat(problems));
  });
  define(`${TYPE}.validate(string): optional<list<string>>`, ({ problems }: NamedFormat, text: string) => {
    const found = problems(text);
    return found.length === 0 ? Optional.none() : Optional.of(found);
  });
}
