import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import Provider from "oidc-provider";
import { urlHost } from "../../../src/platform/url-host.ts";
import {
  CALLBACK,
  CLIENT_ID,
  CLIENT_SECRET,
  createAdapter,
  desiredConfiguration,
  PATH,
} from "./issuer-configuration.ts";

/** How the issuer serves its keys and its discovery document. */
export type IssuerState =
  | "healthy"
  /** Answers everything with 500. */
  | "broken"
  /** Answers with 200 and an HTML page, as a proxy would. */
  | "html"
  /** Redirects clients to another address that has keys. */
  | "redirecting"
  /** Accepts the request and never answers. */
  | "hanging"
  /** Answers without an end. */
  | "endless"
  /** Has no keys. */
  | "empty";

interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

interface Certificate {
  cert: string;
  key: string;
}

export interface Issuer {
  issuer: string;
  jwksUrl: string;
  /** The audience of its access tokens. */
  audience: string;
  /** Its client, which is also the audience of ID tokens. */
  clientId: string;
  key: SigningKey;
  state: IssuerState;
  /** The number of requests for the discovery document and for the keys since the start. */
  asked: { discovery: number; keys: number };
  /** An access token of the client itself, by the client credentials grant. Its account has the client's roles. */
  clientToken(): Promise<string>;
  /** Signs a person in by the authorization code flow. */
  signIn(user: string): Promise<{ accessToken: string; idToken: string }>;
  /** A token with the claims of its access tokens, changed by the test, and signed with its own or another key. */
  forge(claims?: JWTPayload, header?: Record<string, unknown>, key?: CryptoKey): Promise<string>;
  /** Signs with a new key from now on. The old key stays published, or is withdrawn. */
  rotate(options?: { withdraw?: boolean; alg?: string }): Promise<SigningKey>;
  /** Serves this many further keys beside its own. */
  crowd(count: number): Promise<void>;
  /** Serves with this certificate from now on. Only for an issuer that started with one. */
  present(certificate: Certificate): void;
  /** Changes its own name. */
  rename(issuer: string): Promise<void>;
  /** Closes its port. `back` listens on the same port again. */
  leave(): Promise<void>;
  back(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A real OpenID Connect server that behaves like Keycloak: JWT access tokens with `typ` "Bearer", `realm_access.roles`, an
 * audience besides the client, and ID tokens by the same key.
 */
export async function startIssuer(
  options: {
    roles?: Record<string, string[]>;
    audience?: string;
    certificate?: Certificate;
    /** Where it listens. */
    address?: "127.0.0.1" | "::1";
  } = {},
): Promise<Issuer> {
  const { roles = {}, audience = "billing", address = "127.0.0.1" } = options;
  let { certificate } = options;
  let keyCount = 0;
  let keys = [await createKey("ES256")];
  let crowd: JWK[] = [];
  let provider: Provider;
  let hosted: { server: Server | TlsServer; port: number };
  const hanging = new Set<ServerResponse>();
  const adapter = createAdapter();

  async function createKey(alg: string): Promise<SigningKey> {
    keyCount += 1;
    const kid = `key-${keyCount}`;
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    return { kid, privateKey, jwk: { ...(await exportJWK(privateKey)), kid, alg, use: "sig" } };
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "").replace(/\?.*$/, "");
    const isDiscovery = path === `${PATH}/.well-known/openid-configuration`;
    const isKeys = path === `${PATH}/jwks`;
    if (isDiscovery) self.asked.discovery += 1;
    if (isKeys) self.asked.keys += 1;
    if ((isDiscovery || isKeys) && self.state !== "healthy") return void misbehave(request, response, isKeys);
    if (isKeys && crowd.length > 0) {
      const own = keys.map(({ jwk: { d, p, q, dp, dq, qi, ...published } }) => published);
      response.setHeader("content-type", "application/jwk-set+json");
      return void response.end(JSON.stringify({ keys: [...crowd, ...own] }));
    }
    if (path.startsWith(`${PATH}/interaction/`)) return void finishInteraction(request, response);
    Object.assign(request, { originalUrl: request.url, url: request.url?.slice(PATH.length) });
    provider.callback()(request, response);
  }

  function misbehave(request: IncomingMessage, response: ServerResponse, isKeys: boolean): void {
    switch (self.state) {
      case "healthy":
        return;
      case "broken":
        return void response.writeHead(500, { "content-type": "application/json" }).end('{"keys":[]}');
      case "html":
        return void response.writeHead(200, { "content-type": "text/html" }).end("<html>maintenance</html>");
      case "redirecting":
        return void response.writeHead(302, { location: `${request.url}?again` }).end();
      case "hanging":
        hanging.add(response);
        return;
      case "endless": {
        const pour = () => {
          while (!response.destroyed && response.write(" ".repeat(65_536)));
        };
        response.on("drain", pour);
        pour();
        return;
      }
      case "empty":
        return void response.end(
          JSON.stringify(isKeys ? { keys: [] } : { issuer: self.issuer, jwks_uri: self.jwksUrl }),
        );
    }
  }

  /** The user's name is the login hint of the sign-in request. */
  async function finishInteraction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params } = await provider.interactionDetails(request, response);
    await provider.interactionFinished(request, response, {
      login: { accountId: String(params.login_hint) },
    });
  }

  const self: Issuer = {
    issuer: "",
    jwksUrl: "",
    audience,
    clientId: CLIENT_ID,
    get key() {
      return keys[0] as SigningKey;
    },
    state: "healthy",
    asked: { discovery: 0, keys: 0 },
    async clientToken() {
      return (await requestTokens({ grant_type: "client_credentials", resource: "urn:api" })).access_token;
    },
    async signIn(user) {
      const cookies = new Map<string, string>();
      let location = `${PATH}/auth?${new URLSearchParams({
        client_id: CLIENT_ID,
        response_type: "code",
        redirect_uri: CALLBACK,
        scope: "openid",
        resource: "urn:api",
        login_hint: user,
      })}`;
      while (!location.startsWith(CALLBACK)) {
        const response = await fetch(new URL(location, self.issuer), {
          redirect: "manual",
          headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
        });
        for (const line of response.headers.getSetCookie()) {
          const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
          cookies.set(name, value);
        }
        const next = response.headers.get("location");
        if (next === null) throw new Error(`sign-in ended at ${location}: ${await response.text()}`);
        location = next;
      }
      const code = new URL(location).searchParams.get("code") ?? "";
      const tokens = await requestTokens({ grant_type: "authorization_code", code, redirect_uri: CALLBACK });
      return { accessToken: tokens.access_token, idToken: tokens.id_token };
    },
    forge(claims = {}, header = {}, key = self.key.privateKey) {
      const nowS = Math.floor(Date.now() / 1000);
      return new SignJWT({
        iss: self.issuer,
        aud: audience,
        sub: "kc-user",
        email: "kc@example.om",
        typ: "Bearer",
        iat: nowS,
        exp: nowS + 300,
        ...claims,
      })
        .setProtectedHeader({ alg: self.key.jwk.alg ?? "", kid: self.key.kid, ...header })
        .sign(key);
    },
    async rotate({ withdraw = false, alg = "ES256" } = {}) {
      keys = [await createKey(alg), ...(withdraw ? [] : keys)];
      configure(self.issuer);
      return self.key;
    },
    async crowd(count) {
      const { publicKey } = await generateKeyPair("ES256", { extractable: true });
      const jwk = await exportJWK(publicKey);
      crowd = Array.from({ length: count }, (_, index) => ({
        ...jwk,
        kid: `crowd-${index}`,
        alg: "ES256",
        use: "sig",
      }));
    },
    present(next) {
      certificate = next;
      (hosted.server as TlsServer).setSecureContext(next);
    },
    async rename(issuer) {
      configure(issuer);
    },
    async leave() {
      for (const response of hanging) response.destroy();
      hosted.server.closeAllConnections();
      await new Promise((done) => hosted.server.close(done));
    },
    async back() {
      hosted = await host(handle, { port: hosted.port, address, certificate });
    },
    async close() {
      if (hosted.server.listening) await self.leave();
    },
  };

  async function requestTokens(form: Record<string, string>) {
    const response = await fetch(`${self.issuer}/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${CLIENT_ID}:${CLIENT_SECRET}`)}` },
      body: new URLSearchParams(form),
    });
    if (!response.ok) throw new Error(`the issuer's token endpoint: ${await response.text()}`);
    return (await response.json()) as { access_token: string; id_token: string };
  }

  function configure(issuer: string): void {
    provider = new Provider(
      issuer,
      desiredConfiguration({ keys: keys.map(({ jwk }) => jwk), roles, audience, adapter }),
    );
  }

  hosted = await host(handle, { port: 0, address, certificate });
  self.issuer = `${certificate === undefined ? "http" : "https"}://${urlHost(address)}:${hosted.port}${PATH}`;
  self.jwksUrl = `${self.issuer}/jwks`;
  configure(self.issuer);
  return self;
}

async function host(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  { port, address, certificate }: { port: number; address: string; certificate: Certificate | undefined },
): Promise<{ server: Server | TlsServer; port: number }> {
  const server = certificate === undefined ? createServer(handle) : createTlsServer(certificate, handle);
  await new Promise<void>((done, fail) => server.once("error", fail).listen(port, address, done));
  return { server, port: (server.address() as { port: number }).port };
}
