import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { startHttpServer } from "../../platform/http-server.ts";
import { createTokenSigner, TOKEN_LIFETIME_S } from "./access-token.ts";
import { type Account, createGrantStore } from "./grant.ts";
import { renderSignInPage, SIGN_IN_POLICY } from "./sign-in-page.ts";

/** An OpenID Connect issuer on loopback, for "Sign in" on /admin: authorization code with PKCE, public clients, no passwords. */
export interface Issuer {
  /** The value of `iss`. */
  origin: string;
  /** Accepts a Sovereign's page as a client. Its tokens have this audience. */
  register(clientId: string, client: { displayName: string; audience: string }): void;
  close(): Promise<void>;
}

const ACCOUNTS: readonly Account[] = [
  { name: "sovereign-admin", description: "issues and revokes vouchers" },
  { name: "superadmin", description: "sees orders, balances and settings too" },
  { name: "sovereign-auditor", description: "reads everything and changes nothing" },
  { name: "customer", description: "is not an administrator, so /admin refuses it" },
];
const MAX_BODY_BYTES = 16 * 1024;

class OAuthError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Uses `wantedPort` if it is free, so that a restarted playground keeps the issuer's name. */
export async function startIssuer(wantedPort: number, now: () => Date): Promise<Issuer> {
  const signer = await createTokenSigner();
  const clients = new Map<string, { displayName: string; audience: string }>();
  const grants = createGrantStore(now);
  let origin = "";

  function clientOf(parameters: URLSearchParams) {
    const clientId = parameters.get("client_id") ?? "";
    const client = clients.get(clientId);
    if (client === undefined) throw new OAuthError("invalid_client", `no client has the id ${clientId}`);
    return { clientId, ...client };
  }

  function readRequest(parameters: URLSearchParams) {
    const client = clientOf(parameters);
    const redirectUri = parameters.get("redirect_uri") ?? "";
    if (!isAdminPage(redirectUri))
      throw new OAuthError("invalid_request", "redirect_uri must be /admin of a Sovereign on this machine");
    const codeChallenge = parameters.get("code_challenge") ?? "";
    if (parameters.get("response_type") !== "code" || parameters.get("code_challenge_method") !== "S256")
      throw new OAuthError("invalid_request", "the request must be for a code, with an S256 challenge");
    return { client, redirectUri, codeChallenge };
  }

  function showPage(response: ServerResponse, parameters: URLSearchParams): void {
    const { client } = readRequest(parameters);
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": SIGN_IN_POLICY,
      "cache-control": "no-store",
    });
    response.end(renderSignInPage(client.displayName, ACCOUNTS));
  }

  function grantCode(response: ServerResponse, parameters: URLSearchParams, form: URLSearchParams): void {
    const { client, redirectUri, codeChallenge } = readRequest(parameters);
    const account = ACCOUNTS.find(({ name }) => name === form.get("account"));
    if (account === undefined) throw new OAuthError("access_denied", "no such account");
    const code = grants.createCode({ clientId: client.clientId, account }, redirectUri, codeChallenge);
    const answer = new URLSearchParams({ code, state: parameters.get("state") ?? "", iss: origin });
    const isFragment = parameters.get("response_mode") === "fragment";
    response.writeHead(303, { location: `${redirectUri}${isFragment ? "#" : "?"}${answer}` }).end();
  }

  async function grantTokens(response: ServerResponse, form: URLSearchParams): Promise<void> {
    const { clientId, audience } = clientOf(form);
    const grant =
      form.get("grant_type") === "refresh_token"
        ? grants.redeemRefreshToken(form.get("refresh_token") ?? "", clientId)
        : grants.redeemCode(form.get("code") ?? "", {
            clientId,
            redirectUri: form.get("redirect_uri") ?? "",
            verifier: form.get("code_verifier") ?? "",
          });
    if (grant === undefined) throw new OAuthError("invalid_grant", "the code or the token is not valid");
    sendJson(response, 200, {
      access_token: await signer.sign(grant.account, { issuer: origin, audience, now: now() }),
      token_type: "Bearer",
      expires_in: TOKEN_LIFETIME_S,
      refresh_token: grants.createRefreshToken(grant),
    });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://issuer");
    // Pages of the Sovereigns read these from their own origins.
    if (pathname !== "/authorize") response.setHeader("access-control-allow-origin", "*");
    switch (`${request.method} ${pathname}`) {
      case "GET /.well-known/openid-configuration":
        return sendJson(response, 200, describe(origin));
      case "GET /jwks":
        return sendJson(response, 200, { keys: [signer.publicKey] });
      case "GET /authorize":
        return showPage(response, searchParams);
      case "POST /authorize":
        return grantCode(response, searchParams, await readForm(request));
      case "POST /token":
        return grantTokens(response, await readForm(request));
      default:
        return sendJson(response, 404, { error: "not_found" });
    }
  }

  const handler = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else if (error instanceof OAuthError)
        sendJson(response, 400, { error: error.code, error_description: error.message });
      else sendJson(response, 500, { error: "server_error" });
    });
  };
  const listen = (port: number) => startHttpServer({ handler, host: "127.0.0.1", port });
  const server = await listen(wantedPort).catch(() => listen(0));
  origin = server.origin;
  return {
    origin,
    register: (clientId, client) => clients.set(clientId, client),
    close: () => server.close(500),
  };
}

const describe = (origin: string) => ({
  issuer: origin,
  authorization_endpoint: `${origin}/authorize`,
  token_endpoint: `${origin}/token`,
  jwks_uri: `${origin}/jwks`,
  response_types_supported: ["code"],
  response_modes_supported: ["query", "fragment"],
  grant_types_supported: ["authorization_code", "refresh_token"],
  code_challenge_methods_supported: ["S256"],
  token_endpoint_auth_methods_supported: ["none"],
});

/** A Sovereign's port is chosen at its start. So a page is recognised by its host and its path (RFC 8252, 7.3). */
function isAdminPage(address: string): boolean {
  const url = URL.parse(address);
  return (
    url?.protocol === "http:" &&
    ["127.0.0.1", "localhost"].includes(url.hostname) &&
    url.pathname === "/admin" &&
    url.search + url.hash === ""
  );
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  if (Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY) > MAX_BODY_BYTES)
    throw new OAuthError("invalid_request", `the body must have at most ${MAX_BODY_BYTES} bytes`);
  return new URLSearchParams(await text(request));
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}
