import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import type { Attributes, Authorizer, Decision } from "../access/authorization.ts";
import { GROUP, serviceAccountGroups, serviceAccountUsername, type UserInfo } from "../access/user.ts";
import type { AdmissionRequest } from "./request.ts";

/** The `authorizer` of CEL expressions: checks the rights of the requester or of a ServiceAccount. */
class CelAuthorizer {
  readonly authorizer: Authorizer;
  readonly user: UserInfo;
  /** A check of the object in the request. The authorizer of a service account has none. */
  readonly requestResource: ResourceCheck | undefined;
  constructor(authorizer: Authorizer, user: UserInfo, target?: ResourceTarget) {
    this.authorizer = authorizer;
    this.user = user;
    this.requestResource = target && new ResourceCheck(this, target);
  }
}

class PathCheck {
  readonly scope: CelAuthorizer;
  readonly path: string;
  constructor(scope: CelAuthorizer, path: string) {
    this.scope = scope;
    this.path = path;
  }
}

class GroupCheck {
  readonly scope: CelAuthorizer;
  readonly group: string;
  constructor(scope: CelAuthorizer, group: string) {
    this.scope = scope;
    this.group = group;
  }
}

interface ResourceTarget {
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
}

class ResourceCheck {
  readonly scope: CelAuthorizer;
  readonly target: ResourceTarget;
  constructor(scope: CelAuthorizer, target: ResourceTarget) {
    this.scope = scope;
    this.target = target;
  }

  with(change: Partial<ResourceTarget>): ResourceCheck {
    return new ResourceCheck(this.scope, { ...this.target, ...change });
  }
}

class CelDecision {
  readonly decision: Decision;
  constructor(decision: Decision) {
    this.decision = decision;
  }
}

export function authorizerValue(authorizer: Authorizer, request: AdmissionRequest): CelAuthorizer {
  const { resource, subresource, namespace, name, user } = request;
  return new CelAuthorizer(authorizer, user, {
    group: resource.group,
    resource: resource.resource,
    subresource,
    namespace,
    name,
  });
}

function notEmpty(value: string, what: string): string {
  if (value.trim() === "") {
    throw new EvaluationError({ code: "invalid_argument", message: `${what} must not be empty` });
  }
  return value;
}

export function registerAuthorizer(environment: Environment): void {
  const type = (name: string) => `kubernetes.authorization.${name}`;
  environment.registerType(type("PathCheck"), PathCheck);
  environment.registerType(type("GroupCheck"), GroupCheck);
  environment.registerType(type("ResourceCheck"), ResourceCheck);
  environment.registerType(type("Authorizer"), {
    ctor: CelAuthorizer,
    fields: { requestResource: type("ResourceCheck") },
  });
  environment.registerType(type("Decision"), CelDecision);
  const define = (signature: string, handler: (...args: never[]) => unknown) =>
    environment.registerFunction(signature, handler as (...args: unknown[]) => unknown, { async: false });

  define(
    `${type("Authorizer")}.path(string): ${type("PathCheck")}`,
    (scope: CelAuthorizer, path: string) => new PathCheck(scope, notEmpty(path, "path")),
  );
  define(
    `${type("Authorizer")}.group(string): ${type("GroupCheck")}`,
    (scope: CelAuthorizer, group: string) => new GroupCheck(scope, group),
  );
  define(
    `${type("Authorizer")}.serviceAccount(string, string): ${type("Authorizer")}`,
    (scope: CelAuthorizer, namespace: string, name: string) =>
      new CelAuthorizer(scope.authorizer, {
        username: serviceAccountUsername(namespace, name),
        groups: [...serviceAccountGroups(namespace), GROUP.authenticated],
      }),
  );
  define(
    `${type("GroupCheck")}.resource(string): ${type("ResourceCheck")}`,
    ({ scope, group }: GroupCheck, resource: string) =>
      new ResourceCheck(scope, {
        group,
        resource: notEmpty(resource, "resource"),
        subresource: "",
        namespace: "",
        name: "",
      }),
  );
  for (const member of ["subresource", "namespace", "name"] as const) {
    define(
      `${type("ResourceCheck")}.${member}(string): ${type("ResourceCheck")}`,
      (check: ResourceCheck, value: string) => check.with({ [member]: value }),
    );
  }
  const decide = ({ authorizer, user }: CelAuthorizer, rest: Omit<Attributes, "user">) =>
    new CelDecision(authorizer.authorize({ user, ...rest } as Attributes));
  define(
    `${type("ResourceCheck")}.check(string): ${type("Decision")}`,
    ({ scope, target }: ResourceCheck, verb: string) => decide(scope, { verb, ...target }),
  );
  define(
    `${type("PathCheck")}.check(string): ${type("Decision")}`,
    ({ scope, path }: PathCheck, verb: string) => decide(scope, { verb: verb.toLowerCase(), path } as never),
  );
  define(`${type("Decision")}.allowed(): bool`, ({ decision }: CelDecision) => decision.allowed);
  define(`${type("Decision")}.reason(): string`, ({ decision }: CelDecision) => decision.reason);
  define(`${type("Decision")}.errored(): bool`, () => false);
  define(`${type("Decision")}.error(): string`, () => "");
}
