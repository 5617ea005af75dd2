import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createAuthenticator } from "../../../../src/playground/apiserver/access/authentication.ts";
import { createAuthorizer } from "../../../../src/playground/apiserver/access/authorization.ts";
import { createReviewHandlers } from "../../../../src/playground/apiserver/access/review.ts";
import { createServiceAccountTokens } from "../../../../src/playground/apiserver/access/token.ts";
import { answerTokenRequest } from "../../../../src/playground/apiserver/access/token-request.ts";
import { StatusError } from "../../../../src/playground/apiserver/status.ts";

const ISSUER = "https://kubernetes.default.svc";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

function server() {
  const clock = { time: new Date("2026-01-01T00:00:00Z") };
  const now = () => clock.time;
  const uids = new Map([
    ["ServiceAccount/ns/sa", "sa-uid"],
    ["Pod/ns/pod", "pod-uid"],
  ]);
  const tokens = createServiceAccountTokens({
    privateKey,
    publicKey,
    issuer: ISSUER,
    apiAudiences: [ISSUER],
    findUid: (kind, namespace, name) => uids.get(`${kind}/${namespace}/${name}`),
    now,
  });
  const authenticator = createAuthenticator({
    bearerTokens: new Map([["admin-token", { username: "admin", groups: ["system:masters"] }]]),
    serviceAccountTokens: tokens,
  });
  const mint = (change: Partial<Parameters<typeof tokens.mint>[0]> = {}) =>
    tokens.mint({
      namespace: "ns",
      serviceAccount: { name: "sa", uid: "sa-uid" },
      audiences: [ISSUER],
      expirationSeconds: 600,
      ...change,
    });
  const signIn = (token: string) =>
    authenticator.authenticate({ headers: { authorization: `Bearer ${token}` }, socket: {} });
  return { clock, now, uids, tokens, authenticator, mint, signIn };
}

const UNAUTHORIZED = new StatusError(401, "Unauthorized", "Unauthorized");

describe("a service account's token", () => {
  it("names the account in Kubernetes' claims", async () => {
    const { mint, signIn, tokens } = server();
    const { token, expirationTimestamp } = await mint({
      boundTo: { kind: "Pod", name: "pod", uid: "pod-uid" },
    });
    expect(decodeJwt(token)).toMatchObject({
      iss: ISSUER,
      aud: [ISSUER],
      sub: "system:serviceaccount:ns:sa",
      jti: expect.any(String),
      "kubernetes.io": {
        namespace: "ns",
        serviceaccount: { name: "sa", uid: "sa-uid" },
        pod: { name: "pod", uid: "pod-uid" },
      },
    });
    expect(expirationTimestamp).toEqual(new Date("2026-01-01T00:10:00Z"));
    expect(await signIn(token)).toMatchObject({
      username: "system:serviceaccount:ns:sa",
      uid: "sa-uid",
      groups: ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
      extra: {
        "authentication.kubernetes.io/pod-name": ["pod"],
        "authentication.kubernetes.io/pod-uid": ["pod-uid"],
      },
    });
    const { keys } = await tokens.jwks();
    expect(keys).toHaveLength(1);
    expect(keys[0]).not.toHaveProperty("d");
  });

  it("is refused after its time, its account or its Pod has ended, also if it was accepted before", async () => {
    for (const end of [
      (s: ReturnType<typeof server>) => {
        s.clock.time = new Date("2026-01-01T00:10:00Z");
      },
      (s: ReturnType<typeof server>) => s.uids.delete("ServiceAccount/ns/sa"),
      (s: ReturnType<typeof server>) => s.uids.set("ServiceAccount/ns/sa", "another-uid"),
      (s: ReturnType<typeof server>) => s.uids.delete("Pod/ns/pod"),
    ]) {
      const running = server();
      const { token } = await running.mint({ boundTo: { kind: "Pod", name: "pod", uid: "pod-uid" } });
      await running.signIn(token);
      end(running);
      await expect(running.signIn(token)).rejects.toEqual(UNAUTHORIZED);
    }
  });

  it("is refused when forged", async () => {
    const { mint, signIn } = server();
    const { token } = await mint();
    const claims = decodeJwt(token);
    const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const publicPem = publicKey.export({ type: "spki", format: "pem" });
    const forged = [
      await new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(stranger),
      new UnsecuredJWT(claims).encode(),
      // Algorithm confusion: the public key is used as an HMAC secret.
      await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(Buffer.from(publicPem)),
      `${token}x`,
      "admin-token-2",
      "",
    ];
    for (const attempt of forged.filter(Boolean)) await expect(signIn(attempt)).rejects.toEqual(UNAUTHORIZED);
  });

  it("is accepted only for its audience", async () => {
    const { mint, signIn, tokens } = server();
    const { token } = await mint({ audiences: ["vault"] });
    await expect(signIn(token)).rejects.toEqual(UNAUTHORIZED);
    expect((await tokens.verify(token, ["vault", "x"]))?.audiences).toEqual(["vault"]);
  });
});

describe("authentication", () => {
  it("authenticates static tokens, certificates and anonymous requests", async () => {
    const { authenticator, signIn } = server();
    expect(await signIn("admin-token")).toEqual({
      username: "admin",
      groups: ["system:masters", "system:authenticated"],
    });
    const certificate = (authorized: boolean) => ({
      headers: {},
      socket: {
        authorized,
        getPeerCertificate: () =>
          ({ subject: { CN: "alice", O: ["dev", "ops"] }, fingerprint256: "AB:CD" }) as never,
      },
    });
    expect(await authenticator.authenticate(certificate(true))).toEqual({
      username: "alice",
      groups: ["dev", "ops", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=abcd"] },
    });
    expect(await authenticator.authenticate(certificate(false))).toEqual({
      username: "system:anonymous",
      groups: ["system:unauthenticated"],
    });
  });
});

describe("a TokenRequest", () => {
  async function request(body: Parameters<typeof answerTokenRequest>[3], admit = async () => {}) {
    const { tokens, now } = server();
    const get = (resource: string, _namespace: string, name: string) => {
      if (name === "gone") throw new StatusError(404, "NotFound", `${resource} "gone" not found`);
      return {
        metadata: { uid: resource === "pods" ? "pod-uid" : "sa-uid" },
        spec: { serviceAccountName: name === "pod" ? "sa" : "other" },
      };
    };
    return answerTokenRequest({ tokens, get, now }, "ns", "sa", body, admit);
  }

  it("returns no token when admission refuses it", async () => {
    const refusal = new StatusError(403, "Forbidden", "not yours");
    await expect(request({}, () => Promise.reject(refusal))).rejects.toBe(refusal);
  });

  it("returns a token and its expiration", async () => {
    const answer = await request({ spec: { expirationSeconds: 900, audiences: ["a"] } });
    expect(answer).toMatchObject({
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name: "sa", namespace: "ns" },
      spec: { audiences: ["a"], expirationSeconds: 900, boundObjectRef: null },
      status: { expirationTimestamp: "2026-01-01T00:15:00Z" },
    });
  });

  it.each<[Parameters<typeof answerTokenRequest>[3], [number, string]]>([
    [
      { spec: { expirationSeconds: 10 } },
      [
        422,
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 10 minutes',
      ],
    ],
    [
      { spec: { boundObjectRef: { kind: "ConfigMap", apiVersion: "v1", name: "x" } } },
      [400, "cannot bind token to object of type /v1, Kind=ConfigMap"],
    ],
    [
      { spec: { boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "foreign" } } },
      [400, 'cannot bind token for serviceaccount "sa" to pod running with different serviceaccount name.'],
    ],
    [
      { spec: { boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "pod", uid: "old" } } },
      [
        409,
        'Operation cannot be fulfilled on Pod "pod": the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated',
      ],
    ],
    [
      { spec: { boundObjectRef: { kind: "Pod", apiVersion: "v1", name: "gone" } } },
      [404, 'pods "gone" not found'],
    ],
  ])("is refused for %j", async (body, [code, message]) => {
    await expect(request(body)).rejects.toMatchObject({ code, message });
  });
});

describe("reviews", () => {
  function reviews() {
    const running = server();
    const authorizer = createAuthorizer({
      version: () => 1,
      list: (resource) =>
        resource === "clusterroles"
          ? [{ metadata: { name: "r" }, rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] }]
          : resource === "clusterrolebindings"
            ? [
                {
                  metadata: { name: "b" },
                  roleRef: { kind: "ClusterRole", name: "r" },
                  subjects: [{ kind: "User", name: "bob" }],
                },
              ]
            : [],
    });
    const handlers = createReviewHandlers({ ...running, authorizer, apiAudiences: [ISSUER] });
    const ask = (resource: string, spec: object, user = "bob", namespace?: string) => {
      const handler = handlers[resource];
      if (handler === undefined) throw new Error(`no handler for ${resource}`);
      return handler({
        user: { username: user, groups: ["g"] },
        ...(namespace === undefined ? {} : { namespace }),
        body: { apiVersion: "authorization.k8s.io/v1", kind: "Review", spec },
      });
    };
    return { ...running, ask };
  }
  const reason = 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "bob"';

  it("answers reviews of a user's rights", async () => {
    const { ask } = reviews();
    const pods = { verb: "get", resource: "pods", namespace: "n" };
    expect((await ask("selfsubjectaccessreviews", { resourceAttributes: pods })).status).toEqual({
      allowed: true,
      reason,
    });
    expect((await ask("selfsubjectaccessreviews", { resourceAttributes: pods }, "eve")).status).toEqual({
      allowed: false,
    });
    const of = { user: "bob", resourceAttributes: pods };
    expect((await ask("subjectaccessreviews", of, "eve")).status).toEqual({ allowed: true, reason });
    expect((await ask("localsubjectaccessreviews", of, "eve", "n")).status).toEqual({
      allowed: true,
      reason,
    });
    await expect(ask("localsubjectaccessreviews", of, "eve", "other")).rejects.toMatchObject({ code: 422 });
    await expect(ask("subjectaccessreviews", { user: "a" })).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining(
        "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
      ),
    });
    expect((await ask("selfsubjectrulesreviews", { namespace: "n" })).status).toEqual({
      resourceRules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }],
      nonResourceRules: [],
      incomplete: false,
    });
  });

  it("answers reviews of a token's user and of the requester", async () => {
    const { ask, mint } = reviews();
    const { token } = await mint();
    expect((await ask("tokenreviews", { token })).status).toMatchObject({
      authenticated: true,
      user: { username: "system:serviceaccount:ns:sa", uid: "sa-uid" },
      audiences: [ISSUER],
    });
    expect((await ask("tokenreviews", { token: "nonsense" })).status).toEqual({
      user: {},
      error: "invalid bearer token",
    });
    expect((await ask("selfsubjectreviews", {})).status).toEqual({
      userInfo: { username: "bob", groups: ["g"] },
    });
  });
});
