import { createServer } from "node:http";
import { exportJWK, generateKeyPair } from "jose";
import Provider, { type Configuration } from "oidc-provider";

export interface SignInIssuer {
  issuer: string;
  audience: string;
  clientId: string;
  /** Serves the page of this origin. The page's address is known only after the issuer's, so it is set later. */
  serve(origin: string): void;
  close(): Promise<void>;
}

const AUDIENCE = "billing";
/** The page renews a token ten seconds before its end, so it renews this one after two seconds. */
const TOKEN_TTL_S = 12;
const CLIENT_ID = "billing-admin";

/**
 * A real OpenID Connect server with a sign-in page: any name and password are taken, and the name is the role. Its one
 * client is public, so it must use PKCE.
 */
export async function startSignInIssuer(): Promise<SignInIssuer> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: "one", alg: "RS256", use: "sig" };
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  return {
    issuer,
    audience: AUDIENCE,
    clientId: CLIENT_ID,
    serve(origin) {
      const provider = new Provider(issuer, {
        jwks: { keys: [key] as NonNullable<Configuration["jwks"]>["keys"] },
        cookies: { keys: ["a-key-for-cookies"] },
        clients: [
          {
            client_id: CLIENT_ID,
            token_endpoint_auth_method: "none",
            redirect_uris: [`${origin}/admin`],
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
          },
        ],
        ttl: {
          Session: 300,
          Grant: 300,
          Interaction: 300,
          AccessToken: TOKEN_TTL_S,
          IdToken: 300,
          RefreshToken: 300,
        },
        findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
        // Keycloak issues refresh tokens even when no scope asks for one.
        issueRefreshToken: async () => true,
        clientBasedCORS: (_context, asking) => asking === origin,
        extraTokenClaims: (_context, token) => {
          const name = "accountId" in token ? (token.accountId ?? "") : "";
          return { email: `${name}@example.om`, realm_access: { roles: ["offline_access", name] } };
        },
        features: {
          devInteractions: { enabled: true },
          resourceIndicators: {
            enabled: true,
            defaultResource: () => "urn:billing",
            useGrantedResource: () => true,
            getResourceServerInfo: () => ({
              scope: "api",
              audience: AUDIENCE,
              accessTokenFormat: "jwt",
              accessTokenTTL: TOKEN_TTL_S,
            }),
          },
        },
      });
      server.on("request", provider.callback());
    },
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
