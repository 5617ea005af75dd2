import { type JsonObject, recordOf, timestamp } from "../object.ts";
import { badRequest } from "../refusal.ts";
import { StatusError } from "../status.ts";
import type { Authenticator } from "./authentication.ts";
import type { Attributes, Authorizer } from "./authorization.ts";
import type { PolicyRule } from "./policy-rule.ts";
import type { UserInfo } from "./user.ts";

interface ReviewRequest {
  /** The user who sent the review. */
  user: UserInfo;
  /** From the path; undefined for cluster-scoped reviews. */
  namespace?: string;
  body: JsonObject;
}

export interface ReviewDeps {
  authenticator: Authenticator;
  authorizer: Authorizer;
  apiAudiences: readonly string[];
  now: () => Date;
}

/** Answers a review with its status. Reviews are not stored. */
export type ReviewHandler = (request: ReviewRequest) => Promise<JsonObject>;

/** The handlers of authentication.k8s.io/v1 and authorization.k8s.io/v1, by their resource names. */
export function createReviewHandlers(deps: ReviewDeps): Record<string, ReviewHandler> {
  const { authenticator, authorizer, apiAudiences, now } = deps;

  const accessStatus = (attributes: Attributes) => {
    const { allowed, reason } = authorizer.authorize(attributes);
    return { allowed, ...(reason === "" ? {} : { reason }) };
  };

  return {
    async tokenreviews({ body }) {
      const spec = recordOf(body.spec);
      if (typeof spec.token !== "string" || spec.token === "") {
        throw badRequest("token is required for TokenReview in authentication");
      }
      const asked = stringsOf(spec.audiences);
      const { verified, error } = await authenticator.reviewToken(
        spec.token,
        asked.length === 0 ? apiAudiences : asked,
      );
      const status =
        verified === undefined
          ? { user: {}, error }
          : { authenticated: true, user: userJson(verified.user), audiences: verified.audiences };
      return { ...body, status };
    },

    async selfsubjectreviews({ user, body }) {
      return {
        ...body,
        metadata: {
          creationTimestamp: timestamp(now()),
        },
        status: { userInfo: userJson(user) },
      };
    },

    async selfsubjectaccessreviews({ user, body }) {
      const spec = recordOf(body.spec);
      return { ...body, status: accessStatus(attributesOf(body, spec, user)) };
    },

    async subjectaccessreviews({ body }) {
      const spec = recordOf(body.spec);
      return { ...body, status: accessStatus(attributesOf(body, spec, reviewedUser(body, spec))) };
    },

    async localsubjectaccessreviews({ body, namespace }) {
      const spec = recordOf(body.spec);
      const user = reviewedUser(body, spec);
      const attributes = attributesOf(body, spec, user);
      if ("path" in attributes) {
        throw invalid(
          body,
          "spec.nonResourceAttributes",
          spec.nonResourceAttributes,
          "disallowed on this kind of request",
        );
      }
      const stated = recordOf(body.metadata).namespace ?? namespace;
      if (attributes.namespace !== stated || stated !== namespace) {
        throw invalid(
          body,
          "spec.resourceAttributes.namespace",
          attributes.namespace ?? "",
          "must match metadata.namespace",
        );
      }
      return { ...body, status: accessStatus(attributes) };
    },

    async selfsubjectrulesreviews({ user, body }) {
      const { namespace } = recordOf(body.spec);
      if (typeof namespace !== "string" || namespace === "") throw badRequest("no namespace on request");
      const rules = authorizer.rulesFor(user, namespace);
      return {
        ...body,
        status: {
          resourceRules: rules.filter((rule) => rule.resources?.length).map(resourceRule),
          nonResourceRules: rules
            .filter((rule) => rule.nonResourceURLs?.length)
            .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
          incomplete: false,
        },
      };
    },
  };
}

function resourceRule({ verbs, apiGroups, resources, resourceNames }: PolicyRule): JsonObject {
  return { verbs, apiGroups, resources, ...(resourceNames?.length ? { resourceNames } : {}) };
}

function attributesOf(body: JsonObject, spec: JsonObject, user: UserInfo): Attributes {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    throw invalid(
      body,
      "spec.nonResourceAttributes",
      nonResourceAttributes,
      "cannot be specified in combination with resourceAttributes",
    );
  }
  if (resourceAttributes !== undefined) {
    const asked = recordOf(resourceAttributes);
    return {
      user,
      verb: text(asked.verb),
      group: text(asked.group),
      resource: text(asked.resource),
      subresource: text(asked.subresource),
      namespace: text(asked.namespace),
      name: text(asked.name),
    };
  }
  if (nonResourceAttributes !== undefined) {
    const asked = recordOf(nonResourceAttributes);
    return { user, verb: text(asked.verb), path: text(asked.path) };
  }
  throw invalid(
    body,
    "spec.resourceAttributes",
    null,
    "exactly one of nonResourceAttributes or resourceAttributes must be specified",
  );
}

function reviewedUser(body: JsonObject, spec: JsonObject): UserInfo {
  const username = text(spec.user);
  const groups = stringsOf(spec.groups);
  if (username === "" && groups.length === 0) {
    throw invalid(body, "spec.user", "", "at least one of user or group must be specified");
  }
  const uid = text(spec.uid);
  return { username, groups, ...(uid === "" ? {} : { uid }) };
}

function userJson({ username, uid, groups, extra }: UserInfo): JsonObject {
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    groups,
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function invalid(body: JsonObject, field: string, value: unknown, detail: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(value)}: ${detail}`;
  const group = text(body.apiVersion).split("/")[0] ?? "";
  const kind = text(body.kind);
  return new StatusError(422, "Invalid", `${kind}.${group} "" is invalid: ${field}: ${message}`, {
    group,
    kind,
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}
