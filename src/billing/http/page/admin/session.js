import { signIn } from "./view.js";

/**
 * The signed-in user. The token is kept in this tab's session storage: never in a URL, a cookie or another tab. A refresh
 * token is kept in memory only.
 */
const TOKEN_KEY = "catalyst-admin-token";
const PENDING_KEY = "catalyst-admin-sign-in";
const REDIRECT_URI = `${location.origin}/admin`;
const EARLY_S = 10;

/** @type {string | undefined} */
let refreshToken;

export const currentToken = () => sessionStorage.getItem(TOKEN_KEY);

/** @param {string} token */
export const keepToken = (token) => sessionStorage.setItem(TOKEN_KEY, token);

export function forgetToken() {
  sessionStorage.removeItem(TOKEN_KEY);
  refreshToken = undefined;
}

/**
 * The token's claims, for display only: the service verifies the token.
 * @returns {Record<string, any>}
 */
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

/** @param {string} role */
export function hasRole(role) {
  const { role: plain, realm_access: realm } = claims();
  return plain === role || (Array.isArray(realm?.roles) && realm.roles.includes(role));
}

/** The token. One that is about to expire is replaced first, if the issuer gave a refresh token. */
export async function freshToken() {
  const { exp } = claims();
  const isOld = typeof exp === "number" && exp - EARLY_S < Date.now() / 1000;
  if (isOld && refreshToken !== undefined) await renew(refreshToken);
  return currentToken();
}

/** @type {Promise<void> | undefined} */
let renewal;

/**
 * Requests at the same time share one renewal. An issuer that gives a new refresh token each time can end the session when one
 * is used twice.
 * @param {string} used
 */
function renew(used) {
  renewal ??= askForToken({ grant_type: "refresh_token", refresh_token: used }, () => refreshToken === used)
    .catch(() => {
      // The old token is sent once more, and the service answers that it has expired.
      if (refreshToken === used) refreshToken = undefined;
    })
    .finally(() => {
      renewal = undefined;
    });
  return renewal;
}

/** Opens the issuer's sign-in page: authorization code with PKCE, as a public client. */
export async function beginSignIn() {
  const { clientId, description } = await discover();
  const { authorization_endpoint } = description;
  const address = new URL(authorization_endpoint);
  const verifier = randomText();
  const state = randomText();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  sessionStorage.setItem(
    PENDING_KEY,
    JSON.stringify({ verifier, state, search: location.search, hash: location.hash }),
  );
  const parameters = {
    response_type: "code",
    // A fragment is not sent to servers, so the code is in no server's log.
    response_mode: "fragment",
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    scope: "openid",
    state,
    code_challenge: base64Url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  location.assign(address.href);
}

/**
 * Handles the issuer's answer, if there is one. Returns whether it gave a token. Throws when it does not belong to a sign-in that
 * began in this tab.
 * @returns {Promise<boolean>}
 */
export async function completeSignIn() {
  const answer = new URLSearchParams(location.hash.slice(1));
  if (signIn === null || !answer.has("state")) return false;
  const pending = JSON.parse(sessionStorage.getItem(PENDING_KEY) ?? "null");
  // The issuer returns to /admin without a language. Reload in the chosen language first: the tokens are kept in memory.
  if (pending !== null && pending.search !== location.search) {
    location.replace(`/admin${pending.search}${location.hash}`);
    return new Promise(() => {});
  }
  sessionStorage.removeItem(PENDING_KEY);
  history.replaceState(null, "", `${location.pathname}${location.search}${pending?.hash ?? ""}`);
  // No sign-in began in this tab: the address came from a link.
  if (pending === null) return false;
  if (pending.state !== answer.get("state")) throw new Error("state");
  if (answer.has("iss") && answer.get("iss") !== signIn.issuer) throw new Error("iss");
  const code = answer.get("code");
  if (code === null) throw new Error(answer.get("error") ?? "code");
  await askForToken({
    grant_type: "authorization_code",
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: pending.verifier,
  });
  return true;
}

/**
 * Keeps the token of the issuer's answer, if it is still wanted when the answer arrives.
 * @param {Record<string, string>} parameters
 * @param {() => boolean} [isWanted]
 */
async function askForToken(parameters, isWanted = () => true) {
  const { clientId, description } = await discover();
  const response = await fetch(description.token_endpoint, {
    method: "POST",
    body: new URLSearchParams({ ...parameters, client_id: clientId }),
    credentials: "omit",
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `${response.status}`);
  // The person may have signed out meanwhile.
  if (!isWanted()) return;
  keepToken(answer.access_token);
  refreshToken = answer.refresh_token ?? refreshToken;
}

async function discover() {
  if (signIn === null) throw new Error("no issuer is configured");
  const address = `${signIn.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(address, { credentials: "omit" });
  const description = await response.json();
  if (description.issuer !== signIn.issuer) throw new Error("issuer");
  return { clientId: signIn.clientId, description };
}

const randomText = () => base64Url(crypto.getRandomValues(new Uint8Array(32)));

/** @param {Uint8Array} bytes */
function base64Url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
}
