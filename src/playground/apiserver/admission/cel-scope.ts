import type { Environment } from "@marcbachmann/cel-js";
import type { Authorizer } from "../access/authorization.ts";
import type { JsonObject } from "../object.ts";
import { type Declaration, declareSchema } from "../schema/cel/declaration.ts";
import { createCelEnvironment } from "../schema/cel/library.ts";
import { dynamicValue } from "../schema/cel/value.ts";
import type { JsonSchema } from "../schema/json-schema.ts";
import { authorizerValue, registerAuthorizer } from "./cel-authorizer.ts";
import type { AdmissionRequest, GroupVersionResource } from "./request.ts";

const TEXT: JsonSchema = { type: "string" };
const TEXTS: JsonSchema = { type: "array", items: TEXT };
const KIND: JsonSchema = { type: "object", properties: { group: TEXT, version: TEXT, kind: TEXT } };
const RESOURCE: JsonSchema = { type: "object", properties: { group: TEXT, version: TEXT, resource: TEXT } };

// The shape of `options` depends on the operation, so its type is `dyn`. CEL declares that with int-or-string.
const REQUEST: JsonSchema = {
  type: "object",
  properties: {
    kind: KIND,
    resource: RESOURCE,
    subResource: TEXT,
    requestKind: KIND,
    requestResource: RESOURCE,
    requestSubResource: TEXT,
    name: TEXT,
    namespace: TEXT,
    operation: TEXT,
    userInfo: {
      type: "object",
      properties: {
        username: TEXT,
        uid: TEXT,
        groups: TEXTS,
        extra: { type: "object", additionalProperties: TEXTS },
      },
    },
    dryRun: { type: "boolean" },
    options: { "x-kubernetes-int-or-string": true },
  },
};

let shared: { environment: Environment; request: Declaration } | undefined;

function sharedScope() {
  if (shared !== undefined) return shared;
  const environment = createCelEnvironment();
  const request = declareSchema(environment, REQUEST, "kubernetes.AdmissionRequest", false);
  if (request === undefined) throw new Error("an object schema always has a declaration");
  registerAuthorizer(environment);
  environment
    .registerVariable("object", "dyn")
    .registerVariable("oldObject", "dyn")
    .registerVariable("request", request.type)
    .registerVariable("authorizer", "kubernetes.authorization.Authorizer");
  shared = { environment, request };
  return shared;
}

/** The variables of match conditions. Policies have `namespaceObject` and `variables` too. */
export function matchConditionScope(): Environment {
  return sharedScope().environment.clone();
}

export function policyScope(): Environment {
  return matchConditionScope().registerVariable("namespaceObject", "dyn");
}

/**
 * The values of a scope's variables for one request. Each is converted when an expression first reads it: most match
 * conditions read only who sent the request.
 */
export class ScopeValues {
  readonly #admitted: AdmissionRequest;
  readonly #matchedAs: GroupVersionResource;
  readonly #authorizer: Authorizer;
  readonly #namespace: JsonObject | null;
  readonly #converted = new Map<string, unknown>();
  /** The `variables` of a policy. */
  variables: unknown;

  constructor(
    request: AdmissionRequest,
    matchedAs: GroupVersionResource,
    authorizer: Authorizer,
    namespaceObject: JsonObject | null = null,
  ) {
    this.#admitted = request;
    this.#matchedAs = matchedAs;
    this.#authorizer = authorizer;
    this.#namespace = namespaceObject;
  }

  get object(): unknown {
    return this.#once("object", () => dynamicValue(this.#admitted.object));
  }

  get oldObject(): unknown {
    return this.#once("oldObject", () => dynamicValue(this.#admitted.oldObject));
  }

  get request(): unknown {
    const convert = () => sharedScope().request.convert(requestJson(this.#admitted, this.#matchedAs));
    return this.#once("request", convert);
  }

  get namespaceObject(): unknown {
    return this.#once("namespaceObject", () => dynamicValue(this.#namespace));
  }

  get authorizer(): unknown {
    return this.#once("authorizer", () => authorizerValue(this.#authorizer, this.#admitted));
  }

  #once(name: string, convert: () => unknown): unknown {
    if (!this.#converted.has(name)) this.#converted.set(name, convert());
    return this.#converted.get(name);
  }
}

/** Leaves out empty optional members, as Go's JSON does, so that `has()` works. */
function requestJson(request: AdmissionRequest, matchedAs: GroupVersionResource): JsonObject {
  const { kind, resource, subresource, name, namespace, operation, user, options, dryRun } = request;
  const { username, uid, groups, extra } = user;
  return {
    kind: { ...kind, group: matchedAs.group, version: matchedAs.version },
    resource: { ...matchedAs },
    ...(subresource === "" ? {} : { subResource: subresource, requestSubResource: subresource }),
    requestKind: { ...kind },
    requestResource: { ...resource },
    ...(name === "" ? {} : { name }),
    ...(namespace === "" ? {} : { namespace }),
    operation,
    userInfo: {
      username,
      ...(uid ? { uid } : {}),
      ...(groups.length === 0 ? {} : { groups }),
      ...(extra === undefined ? {} : { extra }),
    },
    dryRun,
    ...(options === null ? {} : { options }),
  };
}
