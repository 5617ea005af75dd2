import { ask, messageOf } from "./api.js";
import { byId, create, fill, formatBaisa, formatNumber, notify, showProblem, text } from "./view.js";

/** Shared by the dialogs with a form. */

/** @typedef {(dialog: string, problem: string, send: () => Promise<string>) => Promise<void>} Submit */

/**
 * Sends a dialog's request, closes the dialog and shows the message that `send` returns. A refusal stays in the dialog.
 * @param {() => Promise<void>} onChange
 * @returns {Submit}
 */
export function createSubmit(onChange) {
  return async (dialog, problem, send) => {
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (byId(dialog).querySelectorAll(".action"));
    for (const element of buttons) element.disabled = true;
    try {
      const message = await send();
      byId(dialog, HTMLDialogElement).close();
      notify(message);
      await onChange();
    } catch (error) {
      showProblem(problem, messageOf(error));
      byId(problem).scrollIntoView({ block: "nearest" });
    } finally {
      for (const element of buttons) element.disabled = false;
    }
  };
}

/**
 * The terms that a person entered in a dialog.
 * @param {"issue" | "bulk" | "edit"} dialog
 */
export function readTerms(dialog) {
  return {
    credit_omr: Number(enteredIn(`${dialog}-credit`)),
    description: enteredIn(`${dialog}-description`),
    max_redemptions: Number(enteredIn(`${dialog}-cap`)),
    starts_at: timeOf(`${dialog}-starts`),
    expires_at: timeOf(`${dialog}-expires`),
  };
}

/** @param {string} id */
export const enteredIn = (id) =>
  /** @type {HTMLInputElement | HTMLTextAreaElement} */ (byId(id, HTMLElement)).value.trim();

/** @param {string} id */
const timeOf = (id) => (enteredIn(id) === "" ? null : new Date(enteredIn(id)).toISOString());

/**
 * Shows in a dialog what the Franchise's grants leave. Without limits, and while they cannot be read, it shows nothing.
 * @param {"issue" | "bulk"} dialog
 */
export async function showRoom(dialog) {
  const list = byId(`${dialog}-room`);
  list.replaceChildren();
  const { body } = await ask("/billing/vouchers/grants").catch(() => ({ body: undefined }));
  if (body === undefined) return;
  const { max_active, max_credit_per_voucher_omr, max_outstanding_credit_omr, active, outstanding_omr } =
    body;
  const lines = [];
  if (max_credit_per_voucher_omr !== null)
    lines.push(fill(text.room.credit, { max: formatBaisa(max_credit_per_voucher_omr * 1000) }));
  if (max_active !== null)
    lines.push(fill(text.room.active, { used: formatNumber(active), max: formatNumber(max_active) }));
  if (max_outstanding_credit_omr !== null)
    lines.push(
      outstanding_omr === null
        ? text.room.outstandingOpen
        : fill(text.room.outstanding, {
            left: formatBaisa(Math.max(0, max_outstanding_credit_omr - outstanding_omr) * 1000),
          }),
    );
  list.replaceChildren(...lines.map((line) => create("li", {}, line)));
}

export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");

/**
 * The address of an operation on one voucher. An empty segment, "." and ".." would change the path. A blank in front does not
 * count as part of the code.
 * @param {"read" | "update" | "revoke" | "audit"} operation
 * @param {string} code
 */
export const pathOf = (operation, code) =>
  `/billing/vouchers/${operation}/${encodeURIComponent(/^\.{0,2}$/.test(code) ? ` ${code}` : code)}`;

/** @param {string} code */
export const linkTo = (code) => `${location.origin}/redeem?code=${encodeURIComponent(code)}`;
