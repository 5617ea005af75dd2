const DNS_1123_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_1123_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const DNS_1035_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

// The texts are those of k8s.io/apimachinery/pkg/util/validation.
const tooLong = (max: number) => `must be no more than ${max} bytes`;
const QUALIFIED_MESSAGE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** The errors of a name. Empty when the name is valid. */
export function dns1123LabelProblems(text: string): string[] {
  return problems(
    text,
    63,
    DNS_1123_LABEL,
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  );
}

export function dns1123SubdomainProblems(text: string): string[] {
  return problems(
    text,
    253,
    DNS_1123_SUBDOMAIN,
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  );
}

export function dns1035LabelProblems(text: string): string[] {
  return problems(
    text,
    63,
    DNS_1035_LABEL,
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  );
}

export function labelValueProblems(text: string): string[] {
  const found = Buffer.byteLength(text) > 63 ? [tooLong(63)] : [];
  if (text !== "" && !QUALIFIED_PART.test(text)) {
    found.push(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    );
  }
  return found;
}

/** `name` or `prefix.example/name`: the key of a label or an annotation, a finalizer. */
export function qualifiedNameProblems(text: string): string[] {
  const parts = text.split("/");
  const found: string[] = [];
  if (parts.length > 2) {
    return [
      `a qualified name ${QUALIFIED_MESSAGE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1) ?? "";
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix !== undefined) {
    if (prefix === "") found.push("prefix part must be non-empty");
    else found.push(...dns1123SubdomainProblems(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === "") found.push("name part must be non-empty");
  else if (name.length > 63) found.push(`name part ${tooLong(63)}`);
  if (!QUALIFIED_PART.test(name)) found.push(`name part ${QUALIFIED_MESSAGE}`);
  return found;
}

function problems(text: string, max: number, pattern: RegExp, message: string): string[] {
  return [...(text.length > max ? [tooLong(max)] : []), ...(pattern.test(text) ? [] : [message])];
}
