import type { JWK } from "jose";
import type { Adapter, AdapterPayload, Configuration } from "oidc-provider";

export const CLIENT_ID = "marketplace";
export const CLIENT_SECRET = "a-client-secret-of-the-marketplace";
export const CALLBACK = "https://marketplace.example/callback";
export const PATH = "/realms/om";

/** The server's storage, which a new configuration keeps. Without it, the server warns at each start. */
export function createAdapter(): (name: string) => Adapter {
  const stored = new Map<string, AdapterPayload>();
  return (name) => {
    const at = (id: string) => `${name}:${id}`;
    const by = (test: (payload: AdapterPayload) => boolean) =>
      [...stored].find(([key, payload]) => key.startsWith(at("")) && test(payload))?.[1];
    return {
      upsert: async (id, payload) => void stored.set(at(id), payload),
      find: async (id) => stored.get(at(id)),
      findByUserCode: async (userCode) => by((payload) => payload.userCode === userCode),
      findByUid: async (uid) => by((payload) => payload.uid === uid),
      consume: async (id) => void Object.assign(stored.get(at(id)) ?? {}, { consumed: true }),
      destroy: async (id) => void stored.delete(at(id)),
      revokeByGrantId: async (grantId) => {
        for (const [key, payload] of stored) if (payload.grantId === grantId) stored.delete(key);
      },
    };
  };
}

export function desiredConfiguration(of: {
  keys: JWK[];
  roles: Record<string, string[]>;
  audience: string;
  adapter: (name: string) => Adapter;
}): Configuration {
  const alg = (of.keys[0]?.alg ?? "ES256") as "ES256" | "RS256";
  return {
    adapter: of.adapter,
    jwks: { keys: of.keys as NonNullable<Configuration["jwks"]>["keys"] },
    cookies: { keys: ["a-key-for-cookies"] },
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [CALLBACK],
        grant_types: ["authorization_code", "client_credentials"],
        response_types: ["code"],
        id_token_signed_response_alg: alg,
      },
    ],
    pkce: { required: () => false },
    interactions: { url: (_context, { uid }) => `${PATH}/interaction/${uid}` },
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId, typ: "ID" }) }),
    claims: { openid: ["sub", "typ"] },
    conformIdTokenClaims: false,
    ttl: {
      AccessToken: 300,
      ClientCredentials: 300,
      Grant: 300,
      IdToken: 300,
      Interaction: 300,
      Session: 300,
    },
    async loadExistingGrant(context) {
      const { Grant } = context.oidc.provider;
      const grant = new Grant({
        clientId: CLIENT_ID,
        ...(context.oidc.session?.accountId === undefined
          ? {}
          : { accountId: context.oidc.session.accountId }),
      });
      grant.addOIDCScope("openid");
      grant.addResourceScope("urn:api", "api");
      await grant.save();
      return grant;
    },
    extraTokenClaims(_context, token) {
      const subject = "accountId" in token ? token.accountId : CLIENT_ID;
      return {
        typ: "Bearer",
        email: `${subject}@example.om`,
        realm_access: { roles: ["offline_access", ...(of.roles[subject ?? ""] ?? [])] },
      };
    },
    formats: {
      customizers: {
        // Keycloak writes `JWT` here. RFC 9068 requires `at+jwt`.
        jwt(_context, _token, jwt) {
          jwt.header = { ...jwt.header, typ: "JWT" };
        },
      },
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:api",
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "api",
          audience: of.audience,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg } },
          accessTokenTTL: 300,
        }),
      },
    },
  };
}
