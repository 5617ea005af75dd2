import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { PeerCertificate } from "node:tls";
import { StatusError } from "../status.ts";
import type { ServiceAccountTokens, VerifiedToken } from "./token.ts";
import { ANONYMOUS, asAuthenticated, type UserInfo } from "./user.ts";

/** The credentials in a request. An `IncomingMessage` over TLS has this shape. */
interface Credentials {
  headers: Pick<IncomingHttpHeaders, "authorization">;
  socket: {
    /** True when the client's certificate was verified against the server's client CA. */
    authorized?: boolean;
    getPeerCertificate?(): PeerCertificate;
  };
}

export interface AuthenticatorDeps {
  /** Static bearer tokens with their users. */
  bearerTokens: ReadonlyMap<string, UserInfo>;
  serviceAccountTokens: ServiceAccountTokens;
  /** Whether a request without credentials is `system:anonymous`. Otherwise it is refused. Default true. */
  anonymous?: boolean;
}

export interface Authenticator {
  /** Throws 401 for invalid credentials. A request without credentials is `system:anonymous`. */
  authenticate(request: Credentials): Promise<UserInfo>;
  /** Answers a TokenReview. `error` is the reason why a token is invalid, if there is one. */
  reviewToken(
    token: string,
    audiences: readonly string[],
  ): Promise<{ verified?: VerifiedToken; error?: string }>;
}

export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const { serviceAccountTokens, anonymous = true } = deps;
  // Compared by digest, so that the time of a look-up reveals nothing about the token.
  const users = new Map([...deps.bearerTokens].map(([token, user]) => [digest(token), user]));

  async function verifyToken(
    token: string,
    audiences: readonly string[],
  ): Promise<VerifiedToken | undefined> {
    const user = users.get(digest(token));
    if (user !== undefined) {
      // A static token has no audience: it is valid only for this server.
      const held = serviceAccountTokens.apiAudiences.filter((audience) => audiences.includes(audience));
      return held.length === 0 ? undefined : { user: asAuthenticated(user), audiences: held };
    }
    const verified = await serviceAccountTokens.verify(token, audiences);
    return verified && { ...verified, user: asAuthenticated(verified.user) };
  }

  return {
    async authenticate({ headers, socket }) {
      const byCertificate = certificateUser(socket);
      if (byCertificate !== undefined) return byCertificate;
      const token = bearerToken(headers.authorization);
      if (token === undefined) {
        // Basic and other unknown schemes count as no credentials, as in Kubernetes.
        if (anonymous) return ANONYMOUS;
        throw unauthorized();
      }
      const verified = await verifyToken(token, serviceAccountTokens.apiAudiences).catch(() => undefined);
      if (verified === undefined) throw unauthorized();
      return verified.user;
    },

    async reviewToken(token, audiences) {
      try {
        const verified = await verifyToken(token, audiences);
        return verified === undefined ? { error: "invalid bearer token" } : { verified };
      } catch (error) {
        return { error: `[invalid bearer token, ${(error as Error).message}]` };
      }
    },
  };
}

function bearerToken(header: string | undefined): string | undefined {
  const [scheme, token] = (header ?? "").trim().split(" ");
  return scheme?.toLowerCase() === "bearer" && token ? token : undefined;
}

/** The users of connections, because Node decodes a certificate each time that it is read. */
const usersOfSockets = new WeakMap<Credentials["socket"], UserInfo>();

function certificateUser(socket: Credentials["socket"]): UserInfo | undefined {
  if (socket.authorized !== true || socket.getPeerCertificate === undefined) return undefined;
  const known = usersOfSockets.get(socket);
  if (known !== undefined) return known;
  const user = userOfCertificate(socket.getPeerCertificate());
  if (user !== undefined) usersOfSockets.set(socket, user);
  return user;
}

/** CN is the user, each O a group. */
function userOfCertificate({ subject, fingerprint256 }: PeerCertificate): UserInfo | undefined {
  const username = subject === undefined ? undefined : [subject.CN].flat()[0];
  if (!username) return undefined;
  const groups = [subject.O ?? []].flat();
  return asAuthenticated({
    username,
    groups,
    extra: {
      "authentication.kubernetes.io/credential-id": [
        `X509SHA256=${fingerprint256.replaceAll(":", "").toLowerCase()}`,
      ],
    },
  });
}

function digest(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}

function unauthorized(): StatusError {
  return new StatusError(401, "Unauthorized", "Unauthorized");
}
