import { ask, messageOf } from "./api.js";
import { drawQr } from "./chart.js";
import { byId, fill, notify, showProblem, text } from "./view.js";

/**
 * The dialogs that issue, share and revoke vouchers. `reload` is called after each change.
 * @param {{ reload: () => Promise<void> }} deps
 */
export function createVoucherDialogs({ reload }) {
  /**
   * @param {string} dialog
   * @param {string} problem
   * @param {() => Promise<string>} send Returns the message of success.
   */
  async function submit(dialog, problem, send) {
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (byId(dialog).querySelectorAll(".action"));
    for (const element of buttons) element.disabled = true;
    try {
      const message = await send();
      byId(dialog, HTMLDialogElement).close();
      notify(message);
      await reload();
    } catch (error) {
      showProblem(problem, messageOf(error));
    } finally {
      for (const element of buttons) element.disabled = false;
    }
  }

  listenToIssue(submit);
  listenToRevoke(submit);
  byId("link-copy").addEventListener("click", async () => {
    const link = byId("link", HTMLInputElement);
    link.select();
    await navigator.clipboard?.writeText(link.value);
    byId("link-dialog", HTMLDialogElement).close();
    notify(text.copied);
  });
}

/** @typedef {(dialog: string, problem: string, send: () => Promise<string>) => Promise<void>} Submit */

/** @param {Submit} submit */
function listenToIssue(submit) {
  const form = byId("issue-form", HTMLFormElement);
  // Each form has one idempotency key: pressing the button again after a lost answer issues nothing twice.
  let issueKey = newKey();

  byId("issue").addEventListener("click", () => {
    form.reset();
    showProblem("issue-problem");
    issueKey = newKey();
    byId("issue-dialog", HTMLDialogElement).showModal();
  });
  form.addEventListener("input", () => {
    issueKey = newKey();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    return submit("issue-dialog", "issue-problem", async () => {
      // The form only creates: a code that is taken by mistake must not change a voucher.
      const headers = { "idempotency-key": issueKey, "if-none-match": "*" };
      const { body } = await ask("/billing/vouchers/issue", { method: "POST", body: issueBody(), headers });
      return fill(text.issued, { code: body.code });
    });
  });
}

/** @param {Submit} submit */
function listenToRevoke(submit) {
  byId("revoke-confirm").addEventListener("click", () =>
    submit("revoke-dialog", "revoke-problem", async () => {
      const code = byId("revoke-code").textContent ?? "";
      // An empty segment, "." and ".." would change the path. A blank in front does not count as part of the code.
      const segment = encodeURIComponent(/^\.{0,2}$/.test(code) ? ` ${code}` : code);
      await ask(`/billing/vouchers/revoke/${segment}`, { method: "DELETE" });
      return fill(text.revoked, { code });
    }),
  );
}

/** @param {string} code */
export function openRevoke(code) {
  byId("revoke-code").textContent = code;
  showProblem("revoke-problem");
  byId("revoke-dialog", HTMLDialogElement).showModal();
}

/** @param {string} code */
export async function openLink(code) {
  const link = linkTo(code);
  const { encode } = await import("./qr.js");
  byId("qr").replaceChildren(drawQr(encode(link, { ecc: "M", border: 4 }), fill(text.qrLabel, { code })));
  byId("link-code").textContent = code;
  const field = byId("link", HTMLInputElement);
  field.value = link;
  byId("link-dialog", HTMLDialogElement).showModal();
  field.select();
}

/** @param {string} code */
export async function copyLink(code) {
  try {
    await navigator.clipboard.writeText(linkTo(code));
    notify(text.copied);
  } catch {
    await openLink(code);
  }
}

function issueBody() {
  /** @param {string} id */
  const value = (id) => byId(id, HTMLInputElement).value.trim();
  /** @param {string} id */
  const time = (id) => (value(id) === "" ? undefined : new Date(value(id)).toISOString());
  return {
    code: value("issue-code") || undefined,
    credit_omr: Number(value("issue-credit")),
    description: value("issue-description"),
    max_redemptions: Number(value("issue-cap")),
    starts_at: time("issue-starts"),
    expires_at: time("issue-expires"),
  };
}

const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");

/** @param {string} code */
const linkTo = (code) => `${location.origin}/redeem?code=${encodeURIComponent(code)}`;
