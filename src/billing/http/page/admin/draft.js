import { byId } from "./view.js";

/**
 * The key of the form that was open when the session ended. The draft stays in this tab's session storage until the person
 * has signed in again, even at the issuer, for which the browser leaves this page.
 */
const DRAFT_KEY = "catalyst-admin-draft";

/** @type {Map<string, (subject: string) => Promise<void>>} */
const openers = new Map();

/**
 * Registers how a dialog with a form is opened again. Its subject is the dialog's voucher, or empty.
 * @param {string} dialog
 * @param {(subject: string) => Promise<void>} open
 */
export const keepsDraft = (dialog, open) => openers.set(dialog, open);

/** Keeps what a person has entered in the open dialog. Returns whether there is one. */
export function keepDraft() {
  for (const id of openers.keys()) {
    const dialog = byId(id, HTMLDialogElement);
    if (!dialog.open) continue;
    // The other fields get the values of the time at which the dialog opens again: another person may have changed them.
    const changed = Array.from(fieldsOf(dialog)).filter(isChanged);
    const values = Object.fromEntries(changed.map((field) => [field.id, field.value]));
    sessionStorage.setItem(DRAFT_KEY, JSON.stringify({ id, subject: dialog.dataset.subject ?? "", values }));
    return true;
  }
  return false;
}

/** Opens the dialog again with what was entered, if there is a draft. */
export async function restoreDraft() {
  const { id, subject, values } = JSON.parse(sessionStorage.getItem(DRAFT_KEY) ?? "{}");
  forgetDraft();
  const open = openers.get(id);
  if (open === undefined) return;
  await open(subject);
  const dialog = byId(id, HTMLDialogElement);
  for (const field of fieldsOf(dialog))
    if (typeof values[field.id] === "string") field.value = values[field.id];
  dialog.querySelector("form")?.dispatchEvent(new Event("input"));
}

export const forgetDraft = () => sessionStorage.removeItem(DRAFT_KEY);

/**
 * Whether a person has changed the value with which the dialog opened.
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 */
export const isChanged = (field) => field.value !== field.defaultValue;

/**
 * @param {HTMLElement} dialog
 * @returns {NodeListOf<HTMLInputElement | HTMLTextAreaElement>}
 */
const fieldsOf = (dialog) => dialog.querySelectorAll("input, textarea");
