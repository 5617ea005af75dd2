import { ApiError, ask, ifMatch } from "./api.js";
import { isChanged, keepsDraft } from "./draft.js";
import { changedTerms, describeChanges } from "./term.js";
import { byId, create, fill, showProblem, text } from "./view.js";
import { pathOf, readTerms } from "./voucher-form.js";

/** @typedef {import("./term.js").Terms & { code: string }} Terms */

/** The voucher that a person asked to edit last. A late answer about another one must not change the dialog. */
let wanted = "";
/** @type {{ voucher: Terms, tag: string | null } | undefined} */
let edited;

/**
 * The dialog that changes a voucher. It shows each change before it is saved, and saves only if the voucher is as it was read.
 * @param {import("./voucher-form.js").Submit} submit
 */
export function listenToEdit(submit) {
  const form = byId("edit-form", HTMLFormElement);
  form.addEventListener("input", showChanges);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    return submit("edit-dialog", "edit-problem", async () => {
      if (edited === undefined) return "";
      const { voucher, tag } = edited;
      try {
        await change(voucher.code, tag, changedTerms(voucher, readTerms("edit")));
      } catch (error) {
        // Shows the changes against the present voucher, so that the person sees them before the next try.
        if (error instanceof ApiError && error.code === "voucher_changed") await readAgain(voucher.code);
        throw error;
      }
      return fill(text.saved, { code: voucher.code });
    });
  });
  keepsDraft("edit-dialog", openEdit);
}

/** @param {string} code */
export async function openEdit(code) {
  wanted = code;
  const voucher = await readAgain(code);
  if (voucher === undefined) return;
  byId("edit-dialog").dataset.subject = code;
  byId("edit-code").textContent = code;
  byId("edit-form", HTMLFormElement).reset();
  fillUnchanged(voucher);
  showProblem("edit-problem");
  showChanges();
  byId("edit-dialog", HTMLDialogElement).showModal();
}

/**
 * Changes the named terms, if the voucher still has this tag.
 * @param {string} code
 * @param {string | null} tag
 * @param {Record<string, unknown>} terms
 */
export const change = async (code, tag, terms) =>
  ask(pathOf("update", code), { method: "PUT", body: terms, headers: ifMatch(tag) });

/**
 * Returns undefined when another voucher is wanted by now.
 * @param {string} code
 * @returns {Promise<Terms | undefined>}
 */
async function readAgain(code) {
  const { body, tag } = await ask(pathOf("read", code));
  if (code !== wanted) return undefined;
  // As a text area and the form have it. Otherwise, line breaks and blanks of the voucher would look like a change.
  const description = body.description.replace(/\r\n?/g, "\n").trim();
  edited = { voucher: { ...body, description }, tag };
  if (byId("edit-dialog", HTMLDialogElement).open) {
    fillUnchanged(edited.voucher);
    showChanges();
  }
  return edited.voucher;
}

/**
 * Fills the fields that the person has not changed. The others keep what was entered, so a save changes nothing else back.
 * @param {Terms} voucher
 */
function fillUnchanged(voucher) {
  const values = {
    "edit-credit": String(voucher.credit_omr),
    "edit-description": voucher.description,
    "edit-cap": String(voucher.max_redemptions),
    "edit-starts": localTime(voucher.starts_at),
    "edit-expires": localTime(voucher.expires_at),
  };
  for (const [id, value] of Object.entries(values)) {
    const field = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (byId(id));
    const isUnchanged = !isChanged(field);
    field.defaultValue = value;
    if (isUnchanged) field.value = value;
  }
}

function showChanges() {
  if (edited === undefined) return;
  const changes = describeChanges(edited.voucher, { ...edited.voucher, ...readTerms("edit") });
  byId("edit-changes").replaceChildren(...changes.map((line) => create("li", { dir: "auto" }, line)));
  byId("edit-save", HTMLButtonElement).disabled = changes.length === 0;
}

/**
 * A time as the field for local times has it.
 * @param {string | null | undefined} time
 */
function localTime(time) {
  if (!time) return "";
  const at = new Date(time);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
