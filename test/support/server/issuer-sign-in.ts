import { createHash, randomBytes } from "node:crypto";

interface AdminSettings {
  signIn: { issuer: string; clientId: string };
}

/** Does what "Sign in with your account" on a Sovereign's /admin does, and chooses an account. Returns the access token. */
export async function signInAtIssuer(sovereignUrl: string, account: string): Promise<string> {
  const html = await (await fetch(`${sovereignUrl}/admin`)).text();
  const [, json = ""] = /id="settings">(.*?)<\/script>/s.exec(html) ?? [];
  const { issuer, clientId } = (JSON.parse(json) as AdminSettings).signIn;
  const description = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Record<
    "authorization_endpoint" | "token_endpoint",
    string
  >;
  const verifier = randomBytes(32).toString("base64url");
  const redirectUri = `${sovereignUrl}/admin`;
  const address = `${description.authorization_endpoint}?${new URLSearchParams({
    response_type: "code",
    response_mode: "fragment",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: "openid",
    state: "one",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  })}`;
  const chosen = await fetch(address, {
    method: "POST",
    body: new URLSearchParams({ account }),
    redirect: "manual",
  });
  const answer = new URLSearchParams(new URL(chosen.headers.get("location") ?? "").hash.slice(1));
  const tokens = await fetch(description.token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code: answer.get("code") ?? "",
      client_id: clientId,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  });
  return ((await tokens.json()) as { access_token: string }).access_token;
}
