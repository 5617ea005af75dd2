import { whenRefused } from "./api.js";
import { createReportPanel } from "./report-panel.js";
import { beginSignIn, claims, completeSignIn, currentToken, forgetToken, keepToken } from "./session.js";
import { byId, fill, notify, showProblem, text } from "./view.js";
import { createVoucherPanel } from "./voucher-panel.js";

const reports = createReportPanel();
const vouchers = createVoucherPanel();

function showSignedOut(message) {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
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
    // With a 401 the handler below has spoken already. A service that is away takes nobody's token from them.
    if (error.status === 403) leave(text.noRole);
    else if (error.status !== 401) showSignedOut(error.message);
    return;
  }
  const { email, preferred_username, sub } = claims();
  byId("who").textContent = email ?? preferred_username ?? sub ?? "";
  byId("signed-out").hidden = true;
  byId("signed-in").hidden = false;
  byId("sign-out").hidden = false;
  await reports.load().catch((error) => notify(error.message));
}

function leave(message) {
  forgetToken();
  showSignedOut(message);
}

whenRefused(() => leave(text.signedOut));

byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = byId("token")
    .value.trim()
    .replace(/^Bearer\s+/i, "");
  byId("token").value = "";
  keepToken(token);
  await enter();
});
byId("issuer-sign-in")?.addEventListener("click", () => beginSignIn().catch(showFailure));
byId("sign-out").addEventListener("click", () => leave());
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

function showFailure(error) {
  leave(fill(text.signInFailed, { reason: error.message }));
}

try {
  await completeSignIn();
  if (currentToken() === null) showSignedOut();
  else await enter();
} catch (error) {
  showFailure(error);
}
