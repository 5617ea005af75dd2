import { timestamp } from "../object.ts";
import { badRequest, conflict } from "../refusal.ts";
import { StatusError } from "../status.ts";
import type { BoundObject, ServiceAccountTokens } from "./token.ts";

const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
const DEFAULT_SECONDS = 3_600;
const GROUP = "authentication.k8s.io";

interface TokenRequestBody {
  metadata?: Record<string, unknown>;
  spec?: {
    audiences?: string[];
    expirationSeconds?: number;
    boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string } | null;
  };
  [member: string]: unknown;
}

interface LiveObject {
  metadata: { uid: string };
  spec?: { serviceAccountName?: string };
}

export interface TokenRequestDeps {
  tokens: ServiceAccountTokens;
  /** Throws the 404 of the resource when there is none. */
  get(
    resource: "serviceaccounts" | "pods" | "secrets" | "nodes",
    namespace: string,
    name: string,
  ): LiveObject;
  now: () => Date;
}

/**
 * `POST …/serviceaccounts/{name}/token`: answers the TokenRequest with a token in its status. `admit` throws when
 * admission refuses it.
 */
export async function answerTokenRequest(
  deps: TokenRequestDeps,
  namespace: string,
  name: string,
  body: TokenRequestBody,
  admit: () => Promise<void>,
): Promise<Record<string, unknown>> {
  const account = deps.get("serviceaccounts", namespace, name);
  const uid = account.metadata.uid;
  assertSame(body, "name", name, "service account name");
  assertSame(body, "namespace", namespace, "service account namespace");
  const askedUid = body.metadata?.uid;
  if (askedUid !== undefined && askedUid !== uid) {
    throw conflict(
      { group: GROUP, plural: "TokenRequest" },
      name,
      `the UID in the token request (${askedUid}) does not match the UID of the service account (${uid})`,
    );
  }

  const spec = body.spec ?? {};
  const audiences = spec.audiences?.length ? spec.audiences : [...deps.tokens.apiAudiences];
  const expirationSeconds = spec.expirationSeconds ?? DEFAULT_SECONDS;
  if (expirationSeconds < MIN_SECONDS) {
    throw invalid(
      "spec.expirationSeconds",
      expirationSeconds,
      "may not specify a duration less than 10 minutes",
    );
  }
  if (expirationSeconds > MAX_SECONDS) {
    throw invalid(
      "spec.expirationSeconds",
      expirationSeconds,
      "may not specify a duration larger than 2^32 seconds",
    );
  }
  const boundTo = boundObject(deps, namespace, name, spec.boundObjectRef ?? undefined);
  await admit();
  const { token, expirationTimestamp } = await deps.tokens.mint({
    namespace,
    serviceAccount: { name, uid },
    audiences,
    expirationSeconds,
    ...(boundTo === undefined ? {} : { boundTo }),
  });
  return {
    kind: "TokenRequest",
    apiVersion: `${GROUP}/v1`,
    metadata: { name, namespace, uid, creationTimestamp: timestamp(deps.now()) },
    spec: { audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token, expirationTimestamp: timestamp(expirationTimestamp) },
  };
}

function boundObject(
  deps: TokenRequestDeps,
  namespace: string,
  serviceAccount: string,
  ref: { kind?: string; apiVersion?: string; name?: string; uid?: string } | undefined,
): BoundObject | undefined {
  if (ref === undefined) return undefined;
  const { kind = "", apiVersion = "", name = "" } = ref;
  if (apiVersion !== "v1" || (kind !== "Pod" && kind !== "Secret" && kind !== "Node")) {
    throw badRequest(
      `cannot bind token to object of type ${apiVersion.includes("/") ? apiVersion : `/${apiVersion}`}, Kind=${kind}`,
    );
  }
  const resource = `${kind.toLowerCase()}s` as "pods" | "secrets" | "nodes";
  const live = deps.get(resource, kind === "Node" ? "" : namespace, name);
  if (kind === "Pod" && live.spec?.serviceAccountName !== serviceAccount) {
    throw badRequest(
      `cannot bind token for serviceaccount "${serviceAccount}" to pod running with different serviceaccount name.`,
    );
  }
  if (ref.uid && ref.uid !== live.metadata.uid) {
    throw conflict(
      { group: "", plural: kind },
      name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  return { kind, name, uid: live.metadata.uid };
}

function assertSame(body: TokenRequestBody, member: string, expected: string, what: string): void {
  const stated = body.metadata?.[member];
  if (stated !== undefined && stated !== "" && stated !== expected) {
    throw invalid(`metadata.${member}`, stated, `must match the ${what} if specified`);
  }
}

function invalid(field: string, value: unknown, detail: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(value)}: ${detail}`;
  return new StatusError(422, "Invalid", `TokenRequest.${GROUP} "" is invalid: ${field}: ${message}`, {
    group: GROUP,
    kind: "TokenRequest",
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}
