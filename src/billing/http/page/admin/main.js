import { ApiError, messageOf, whenRefused } from "./api.js";
import { createReportPanel } from "./report-panel.js";
import { beginSignIn, claims, completeSignIn, currentToken, forgetToken, keepToken } from "./session.js";
import { byId, fill, notify, showProblem, text } from "./view.js";
import { createVoucherPanel } from "./voucher-panel.js";

const reports = createReportPanel();
const vouchers = createVoucherPanel();

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
  await reports.load().catch((error) => notify(messageOf(error)));
}

/** @param {string} [message] */
function leave(message) {
  forgetToken();
  showSignedOut(message);
}

whenRefused(() => leave(text.signedOut));

byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("token", HTMLInputElement);
  const token = field.value.trim().replace(/^Bearer\s+/i, "");
  field.value = "";
  keepToken(token);
  await enter();
});
document.getElementById("issuer-sign-in")?.addEventListener("click", () => beginSignIn().catch(showFailure));
byId("sign-out").addEventListener("click", () => leave());
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog")?.close());
}

/** @param {unknown} error */
function showFailure(error) {
  leave(fill(text.signInFailed, { reason: messageOf(error) }));
}

try {
  await completeSignIn();
  if (currentToken() === null) showSignedOut();
  else await enter();
} catch (error) {
  showFailure(error);
}
