import { ApiError, messageOf, report, whenRefused } from "./api.js";
import { forgetDraft, keepDraft, restoreDraft } from "./draft.js";
import { createReportPanel } from "./report-panel.js";
import { beginSignIn, claims, completeSignIn, currentToken, forgetToken, keepToken } from "./session.js";
import { byId, fill, showProblem, text } from "./view.js";
import { createVoucherPanel } from "./voucher-panel.js";

const reports = createReportPanel();
const vouchers = createVoucherPanel();

/** A token that was just entered or issued, and that no request has used yet: when it is refused, no session has ended. */
let isNewToken = false;

/** @param {string} [message] */
function showSignedOut(message) {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  byId("signed-in").hidden = true;
  byId("sign-out").hidden = true;
  byId("who").textContent = "";
  byId("signed-out").hidden = false;
  showProblem("sign-in-problem", message);
}

async function enter() {
  try {
    await vouchers.load();
  } catch (error) {
    // After a 401 the handler below has shown its message. While the service does not answer, the token is kept.
    const status = error instanceof ApiError ? error.status : undefined;
    if (status === 403) leave(text.noRole);
    else if (status !== 401) showSignedOut(messageOf(error));
    return;
  }
  const { email, preferred_username, sub } = claims();
  byId("who").textContent = email ?? preferred_username ?? sub ?? "";
  byId("signed-out").hidden = true;
  byId("signed-in").hidden = false;
  byId("sign-out").hidden = false;
  isNewToken = false;
  await reports.load().catch(report);
  await restoreDraft().catch(report);
}

/** @param {string} [message] */
function leave(message) {
  forgetToken();
  showSignedOut(message);
}

whenRefused(() => {
  const hasDraft = keepDraft();
  if (isNewToken) leave(isExpired() ? text.endedToken : text.wrongToken);
  else leave(hasDraft ? `${text.signedOut} ${text.draftKept}` : text.signedOut);
});

/** Whether the token's own claims show that it has expired. Only the message depends on it. */
function isExpired() {
  const { exp } = claims();
  return typeof exp === "number" && exp * 1000 < Date.now();
}

/**
 * No request can carry another text, or a longer one: the service never sees it.
 * @param {string} token
 */
const mayBeToken = (token) => /^[\w.~+/=-]{1,15000}$/.test(token);

byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("token", HTMLInputElement);
  const token = field.value.trim().replace(/^Bearer\s+/i, "");
  field.value = "";
  keepToken(token);
  isNewToken = true;
  if (mayBeToken(token)) await enter();
  else leave(text.wrongToken);
});
document.getElementById("issuer-sign-in")?.addEventListener("click", () => beginSignIn().catch(showFailure));
byId("sign-out").addEventListener("click", () => {
  forgetDraft();
  leave();
});
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog")?.close());
}

// The address names the voucher that is shown, and the page in the other language shows it too.
/** @type {HTMLAnchorElement | null} */
const link = document.querySelector("a[hreflang]");
link?.addEventListener("click", () => {
  link.hash = location.hash;
});

/** @param {unknown} error */
function showFailure(error) {
  leave(fill(text.signInFailed, { reason: messageOf(error) }));
}

try {
  isNewToken = await completeSignIn();
  if (currentToken() === null) showSignedOut();
  else await enter();
} catch (error) {
  showFailure(error);
}
