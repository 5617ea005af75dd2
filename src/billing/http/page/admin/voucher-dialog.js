import { ApiError, ask, ifMatch } from "./api.js";
import { drawQr } from "./chart.js";
import { keepsDraft } from "./draft.js";
import { describeTerms } from "./term.js";
import { byId, create, fill, fillPlural, notify, showProblem, text } from "./view.js";
import { enteredIn, linkTo, newKey, pathOf, readTerms, showRoom } from "./voucher-form.js";

/** @typedef {import("./voucher-form.js").Submit} Submit */

/**
 * The dialogs that issue, share and revoke vouchers.
 * @param {Submit} submit
 */
export function createVoucherDialogs(submit) {
  listenToForm("issue", submit, async (key) => {
    // The form only creates: a code that is taken by mistake must not change a voucher.
    const headers = { "idempotency-key": key, "if-none-match": "*" };
    const code = enteredIn("issue-code");
    const body = { ...readTerms("issue"), ...(code === "" ? {} : { code }) };
    try {
      const issued = await ask("/billing/vouchers/issue", { method: "POST", body, headers });
      return fill(text.issued, { code: issued.body.code });
    } catch (error) {
      if (error instanceof ApiError && error.code === "voucher_exists") offerExisting(error.voucher.code);
      throw error;
    }
  });
  listenToForm("bulk", submit, async (key) => {
    const body = {
      ...readTerms("bulk"),
      count: Number(enteredIn("bulk-count")),
      prefix: enteredIn("bulk-prefix"),
    };
    const headers = { "idempotency-key": key, accept: "text/csv" };
    const issued = await ask("/billing/vouchers/bulk-issue", { method: "POST", body, headers });
    download(issued.body, "vouchers.csv");
    return fillPlural(text.issuedMany, body.count);
  });
  byId("revoke-confirm").addEventListener("click", () =>
    submit("revoke-dialog", "revoke-problem", async () => {
      const { code, tag } = shown;
      try {
        await ask(pathOf("revoke", code), { method: "DELETE", headers: ifMatch(tag) });
      } catch (error) {
        // Shows the present voucher, so that the person sees it before the next try.
        if (error instanceof ApiError && error.code === "voucher_changed") await showTerms(code);
        throw error;
      }
      return fill(text.revoked, { code });
    }),
  );
  byId("link-copy").addEventListener("click", async () => {
    const link = byId("link", HTMLInputElement);
    link.select();
    await navigator.clipboard?.writeText(link.value);
    byId("link-dialog", HTMLDialogElement).close();
    notify(text.copied);
  });
}

/**
 * Each form has one idempotency key: pressing the button again after a lost answer issues nothing twice.
 * @param {"issue" | "bulk"} name
 * @param {Submit} submit
 * @param {(key: string) => Promise<string>} send
 */
function listenToForm(name, submit, send) {
  const form = byId(`${name}-form`, HTMLFormElement);
  let key = newKey();

  async function open() {
    form.reset();
    showProblem(`${name}-problem`);
    key = newKey();
    byId(`${name}-dialog`, HTMLDialogElement).showModal();
    // Not awaited: a draft must be in the form before a person types.
    void showRoom(name);
  }

  byId(name).addEventListener("click", open);
  form.addEventListener("input", () => {
    key = newKey();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    return submit(`${name}-dialog`, `${name}-problem`, () => send(key));
  });
  keepsDraft(`${name}-dialog`, open);
}

/**
 * Adds a link to the voucher that has the code. The message appears first.
 * @param {string} code
 */
function offerExisting(code) {
  const link = create("a", { href: `#voucher=${encodeURIComponent(code)}` }, text.open);
  link.addEventListener("click", () => byId("issue-dialog", HTMLDialogElement).close());
  setTimeout(() => byId("issue-problem").append(" ", link));
}

/**
 * @param {Blob} file
 * @param {string} name
 */
function download(file, name) {
  const address = URL.createObjectURL(file);
  create("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** The voucher that a person asked to revoke last. A late answer about another one must not change the dialog. */
let wanted = "";
/**
 * The voucher in the revoke dialog. It is revoked only as the dialog shows it.
 * @type {{ code: string, tag: string | null }}
 */
let shown = { code: "", tag: null };

/**
 * Returns whether the voucher is still the one that is wanted.
 * @param {string} code
 */
async function showTerms(code) {
  const { body, tag } = await ask(pathOf("read", code));
  if (code !== wanted) return false;
  shown = { code, tag };
  byId("revoke-code").textContent = code;
  const lines = describeTerms(body).map(([label, words]) => `${label}: ${words}`);
  byId("revoke-terms").replaceChildren(...lines.map((line) => create("li", { dir: "auto" }, line)));
  return true;
}

/** @param {string} code */
export async function openRevoke(code) {
  wanted = code;
  if (!(await showTerms(code))) return;
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
