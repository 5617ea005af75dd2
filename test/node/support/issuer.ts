import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import { createTokenSigner } from "../../../src/playground/issuer/access-token.ts";
import type { CertificateAuthority } from "../../support/builder/certificate-authority.ts";
import { LOGIN, LOGIN_HOST } from "./address.ts";
import { type Listener, listen } from "./listener.ts";

const ISSUER = `https://${LOGIN_HOST}`;
export const CUSTOMER = { username: "salma", password: "one-customer" };
const AUDIENCE = "vouchers";

/** The OIDC issuer beside the node, with TLS. It has one customer, who signs in with a password. */
export async function startNodeIssuer(authority: CertificateAuthority): Promise<Listener> {
  const signer = await createTokenSigner();
  const certificate = await authority.server(LOGIN_HOST, [LOGIN_HOST]);
  const server = createServer(certificate, async (request, response) => {
    const send = (status: number, body: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    switch (`${request.method} ${request.url}`) {
      case "GET /.well-known/openid-configuration":
        return send(200, { issuer: ISSUER, token_endpoint: `${ISSUER}/token`, jwks_uri: `${ISSUER}/jwks` });
      case "GET /jwks":
        return send(200, { keys: [signer.publicKey] });
      case "POST /token": {
        const form = Object.fromEntries(new URLSearchParams(await text(request)));
        if (form.username !== CUSTOMER.username || form.password !== CUSTOMER.password)
          return send(400, { error: "invalid_grant" });
        const claims = { issuer: ISSUER, audience: AUDIENCE, now: new Date() };
        return send(200, {
          access_token: await signer.sign({ name: CUSTOMER.username, description: "" }, claims),
          token_type: "Bearer",
        });
      }
      default:
        return send(404, { error: "not_found" });
    }
  });
  return listen(server, 443, LOGIN.first);
}
