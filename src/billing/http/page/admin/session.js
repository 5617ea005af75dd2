import { signIn } from "./view.js";

/**
 * Who is signed in. The token lives in this tab's session storage: never in a URL, a cookie or another tab. A refresh
 * token lives in memory alone.
 */
const TOKEN_KEY = "catalyst-admin-token";
const PENDING_KEY = "catalyst-admin-sign-in";
const REDIRECT_URI = `${location.origin}/admin`;
const EARLY_S = 10;

let refreshToken;

export const currentToken = () => sessionStorage.getItem(TOKEN_KEY);

export const keepToken = (token) => sessionStorage.setItem(TOKEN_KEY, token);

export function forgetToken() {
  sessionStorage.removeItem(TOKEN_KEY);
  refreshToken = undefined;
}

/** What the token says of itself. Only for what is shown: the service judges. */
export function claims() {
  try {
    const [, payload = ""] = (currentToken() ?? "").split(".");
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (c) =>
      c.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

export function hasRole(role) {
  const { role: plain, realm_access: realm } = claims();
  return plain === role || (Array.isArray(realm?.roles) && realm.roles.includes(role));
}

/** A token that is about to expire is replaced where the issuer gave something to replace it with. */
export async function freshToken() {
  const { exp } = claims();
  const isOld = typeof exp === "number" && exp - EARLY_S < Date.now() / 1000;
  if (isOld && refreshToken !== undefined) {
    const parameters = { grant_type: "refresh_token", refresh_token: refreshToken };
    await askForToken(parameters).catch(() => {
      // The old token is sent once more, and the service says that it has ended.
      refreshToken = undefined;
    });
  }
  return currentToken();
}

/** Goes to the issuer: authorization code with PKCE, as a public client. */
export async function beginSignIn() {
  const { authorization_endpoint } = await discover();
  const address = new URL(authorization_endpoint);
  const verifier = randomText();
  const state = randomText();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  sessionStorage.setItem(PENDING_KEY, JSON.stringify({ verifier, state, search: location.search }));
  const parameters = {
    response_type: "code",
    // In the fragment the code reaches no server's log.
    response_mode: "fragment",
    client_id: signIn.clientId,
    redirect_uri: REDIRECT_URI,
    scope: "openid",
    state,
    code_challenge: base64Url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  location.assign(address);
}

/** Takes what the issuer sent back, if it did. Throws when it does not belong to a sign-in that began here. */
export async function completeSignIn() {
  const answer = new URLSearchParams(location.hash.slice(1));
  if (signIn === null || !answer.has("state")) return;
  const pending = JSON.parse(sessionStorage.getItem(PENDING_KEY) ?? "null");
  // The way back leads to /admin alone: first to the language that was chosen, where the tokens can stay in memory.
  if (pending !== null && pending.search !== location.search) {
    location.replace(`/admin${pending.search}${location.hash}`);
    return new Promise(() => {});
  }
  sessionStorage.removeItem(PENDING_KEY);
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  // Somebody's link: no sign-in began in this tab.
  if (pending === null) return;
  if (pending.state !== answer.get("state")) throw new Error("state");
  if (answer.has("iss") && answer.get("iss") !== signIn.issuer) throw new Error("iss");
  if (!answer.has("code")) throw new Error(answer.get("error") ?? "code");
  await askForToken({
    grant_type: "authorization_code",
    code: answer.get("code"),
    redirect_uri: REDIRECT_URI,
    code_verifier: pending.verifier,
  });
}

async function askForToken(parameters) {
  const { token_endpoint } = await discover();
  const response = await fetch(token_endpoint, {
    method: "POST",
    body: new URLSearchParams({ ...parameters, client_id: signIn.clientId }),
    credentials: "omit",
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `${response.status}`);
  keepToken(answer.access_token);
  refreshToken = answer.refresh_token ?? refreshToken;
}

async function discover() {
  const address = `${signIn.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(address, { credentials: "omit" });
  const description = await response.json();
  if (description.issuer !== signIn.issuer) throw new Error("issuer");
  return description;
}

const randomText = () => base64Url(crypto.getRandomValues(new Uint8Array(32)));

function base64Url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
}
