import { type StatusCause, StatusError } from "./status.ts";

/** The object of a refusal: `deployments.apps "web"`. */
export interface Subject {
  group: string;
  plural: string;
}

function qualified({ group, plural }: Subject): string {
  return group === "" ? plural : `${plural}.${group}`;
}

function details(subject: Subject, name: string, causes?: StatusCause[]) {
  return {
    ...(name === "" ? {} : { name }),
    ...(subject.group === "" ? {} : { group: subject.group }),
    kind: subject.plural,
    ...(causes === undefined ? {} : { causes }),
  };
}

export function notFound(subject: Subject, name: string): StatusError {
  return new StatusError(
    404,
    "NotFound",
    `${qualified(subject)} ${JSON.stringify(name)} not found`,
    details(subject, name),
  );
}

export function alreadyExists(subject: Subject, name: string): StatusError {
  return new StatusError(
    409,
    "AlreadyExists",
    `${qualified(subject)} ${JSON.stringify(name)} already exists`,
    details(subject, name),
  );
}

export function conflict(subject: Subject, name: string, why: string): StatusError {
  return new StatusError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(subject)} ${JSON.stringify(name)}: ${why}`,
    details(subject, name),
  );
}

export function modified(subject: Subject, name: string): StatusError {
  return conflict(
    subject,
    name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );
}

/** `pods "web" is forbidden: <why>`; without a name, `pods is forbidden: <why>`. */
export function forbiddenBecause(
  subject: Subject,
  name: string,
  why: string,
  causes?: StatusCause[],
): StatusError {
  const named = name === "" ? qualified(subject) : `${qualified(subject)} ${JSON.stringify(name)}`;
  return new StatusError(403, "Forbidden", `${named} is forbidden: ${why}`, details(subject, name, causes));
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

/** The refusal of a body that cannot be decoded as its kind. */
export function cannotBeHandled(
  { kind, version }: { kind: string; version: string },
  problem: string,
): StatusError {
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${problem}`);
}

/** The 404 of a path that is no resource. */
export function noSuchPath(): StatusError {
  return new StatusError(404, "NotFound", "the server could not find the requested resource", {});
}

/** The refusal of a Kubernetes function that this server does not have. */
export function notImplemented(what: string): StatusError {
  return new StatusError(501, "NotImplemented", `this API server does not serve ${what}`);
}

export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    {},
  );
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return new StatusError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  return new StatusError(
    406,
    "NotAcceptable",
    `406: Not Acceptable\n\nAvailable representations: ${accepted.join(", ")}`,
  );
}

export function tooLarge(limitBytes: number): StatusError {
  return new StatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${limitBytes}`);
}

/** The refusal of a version that is older than the history. The client must list again. */
export function expired(wanted: number, oldest: number): StatusError {
  return new StatusError(410, "Expired", `too old resource version: ${wanted} (${oldest})`);
}

/** `invalidOption` of a list or a watch, for `resourceVersionMatch`. */
export function invalidMatch(message: string, reason = "FieldValueForbidden"): StatusError {
  return invalidOption("ListOptions", "resourceVersionMatch", message, reason);
}

/** 422 for an argument of the request, not for the object in it. */
export function invalidOption(kind: string, field: string, message: string, reason: string): StatusError {
  return new StatusError(422, "Invalid", `${kind}.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "meta.k8s.io",
    kind,
    causes: [{ reason, message, field }],
  });
}
