import { escapeHtml } from "../../../platform/html.ts";
import type { AdminShellText } from "./admin-text.ts";

const WHOLE_NUMBER = 'type="number" step="1" required inputmode="numeric" dir="ltr"';
const CREDIT = `${WHOLE_NUMBER} min="1" max="2147483647"`;
const CAP = `${WHOLE_NUMBER} min="0" max="2147483647"`;
const CODE = 'maxlength="64" dir="ltr" autocomplete="off" autocapitalize="characters" spellcheck="false"';
/** Without a last time, a browser lets a year have six digits: a person who types 2090 and 12:00 gets the year 209012. */
const TIME = 'type="datetime-local" max="9999-12-31T23:59"';

/** The dialogs that issue, change, share and revoke vouchers. */
export function adminDialogs(text: AdminShellText): string {
  return `${issueDialog(text)}
${bulkDialog(text)}
${editDialog(text)}
<dialog id="link-dialog" aria-labelledby="link-title">
<h2 id="link-title">${escapeHtml(text.linkTitle)}</h2>
<p class="mono code" id="link-code" dir="ltr"></p>
<div id="qr"></div>
<input id="link" readonly dir="ltr" aria-labelledby="link-title">
${buttons(text.close, `<button class="action" type="button" id="link-copy">${escapeHtml(text.copyLink)}</button>`)}
</dialog>
<dialog id="revoke-dialog" aria-labelledby="revoke-title" aria-describedby="revoke-hint">
<h2 id="revoke-title">${escapeHtml(text.revokeTitle)}</h2>
<p class="mono code" id="revoke-code" dir="ltr"></p>
<ul class="hint" id="revoke-terms"></ul>
<p class="muted" id="revoke-hint">${escapeHtml(text.revokeHint)}</p>
${problem("revoke")}
${buttons(text.cancel, `<button class="action danger" type="button" id="revoke-confirm">${escapeHtml(text.revoke)}</button>`)}
</dialog>`;
}

function issueDialog(text: AdminShellText): string {
  return `<dialog id="issue-dialog" aria-labelledby="issue-title"><form id="issue-form">
<h2 id="issue-title">${escapeHtml(text.issueTitle)}</h2>
${problem("issue")}
<ul class="hint" id="issue-room"></ul>
${field("issue-credit", text.creditOmr, CREDIT)}
${description("issue", text)}
<div class="fields">${field("issue-code", text.codeOptional, CODE, text.codeHint)}
${field("issue-cap", text.cap, `${CAP} value="1"`, text.capHint)}
${field("issue-starts", text.startsAt, TIME)}
${field("issue-expires", text.expiresAt, TIME)}</div>
${buttons(text.cancel, `<button class="action">${escapeHtml(text.issue)}</button>`)}
</form></dialog>`;
}

function bulkDialog(text: AdminShellText): string {
  return `<dialog id="bulk-dialog" aria-labelledby="bulk-title"><form id="bulk-form">
<h2 id="bulk-title">${escapeHtml(text.bulkTitle)}</h2>
<p class="hint">${escapeHtml(text.bulkHint)}</p>
${problem("bulk")}
<ul class="hint" id="bulk-room"></ul>
<div class="fields">${field("bulk-count", text.count, `${WHOLE_NUMBER} min="1" max="10000"`)}
${field("bulk-credit", text.creditOmr, CREDIT)}
${field("bulk-prefix", text.prefix, CODE.replace("64", "32"))}
${field("bulk-cap", text.capEach, `${CAP} value="1"`, text.capHint)}</div>
${description("bulk", text)}
<div class="fields">${field("bulk-starts", text.startsAt, TIME)}
${field("bulk-expires", text.expiresAt, TIME)}</div>
${buttons(text.cancel, `<button class="action">${escapeHtml(text.bulkIssue)}</button>`)}
</form></dialog>`;
}

function editDialog(text: AdminShellText): string {
  return `<dialog id="edit-dialog" aria-labelledby="edit-title"><form id="edit-form">
<h2 id="edit-title">${escapeHtml(text.editTitle)}</h2>
<p class="mono code" id="edit-code" dir="ltr"></p>
${problem("edit")}
${field("edit-credit", text.creditOmr, `${WHOLE_NUMBER} max="2147483647"`)}
${description("edit", text)}
<div class="fields">${field("edit-cap", text.cap, `${WHOLE_NUMBER} max="2147483647"`, text.capHint)}
${field("edit-starts", text.startsAt, TIME)}
${field("edit-expires", text.expiresAt, TIME)}</div>
<section aria-labelledby="edit-changes-title" aria-live="polite"><h3 id="edit-changes-title">${escapeHtml(text.changes)}</h3><ul id="edit-changes"></ul></section>
${buttons(text.cancel, `<button class="action" id="edit-save">${escapeHtml(text.save)}</button>`)}
</form></dialog>`;
}

const problem = (dialog: string) =>
  `<p class="problem" id="${dialog}-problem" role="alert" dir="auto" hidden></p>`;

const buttons = (close: string, action: string) =>
  `<div class="buttons"><button class="quiet" type="button" data-close>${escapeHtml(close)}</button>${action}</div>`;

function field(id: string, label: string, attributes: string, hint = ""): string {
  const describedBy = hint === "" ? "" : ` aria-describedby="${id}-hint"`;
  const shownHint = hint === "" ? "" : `<p class="hint" id="${id}-hint">${escapeHtml(hint)}</p>`;
  return `<div class="field"><label for="${id}">${escapeHtml(label)}</label><input id="${id}"${describedBy} ${attributes}>${shownHint}</div>`;
}

/** One line for each language, so it has two. */
function description(dialog: string, text: AdminShellText): string {
  const id = `${dialog}-description`;
  return `<div class="field"><label for="${id}">${escapeHtml(text.description)}</label><textarea id="${id}" rows="2" maxlength="${dialog === "bulk" ? 500 : 10_000}" dir="auto" aria-describedby="${id}-hint"></textarea><p class="hint" id="${id}-hint">${escapeHtml(text.descriptionHint)}</p></div>`;
}
