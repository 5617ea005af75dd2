import { ask, report } from "./api.js";
import { listenToEdit } from "./edit-dialog.js";
import { describeDates, standingPill } from "./term.js";
import { byId, create, fill, formatBaisa, formatNumber, row, text } from "./view.js";
import { copyLink, createVoucherDialogs, openLink, openRevoke } from "./voucher-dialog.js";
import { createSubmit } from "./voucher-form.js";
import { addressOf, createVoucherPage, mayWrite } from "./voucher-page.js";

/**
 * @typedef {object} Voucher
 * @property {string} code
 * @property {number} credit_omr
 * @property {string} description
 * @property {boolean} active
 * @property {number} max_redemptions
 * @property {number} times_redeemed
 * @property {string} [starts_at]
 * @property {string} [expires_at]
 * @property {"scheduled" | "live" | "paused" | "used_up" | "expired" | "revoked"} standing
 */

const PAGE_SIZE = 50;
const SEARCH_DELAY_MS = 250;

/** The list of vouchers with its search and filter, and the page of one voucher. */
export function createVoucherPanel() {
  /** @type {string | undefined} */
  let next;
  /** @type {AbortController | undefined} */
  let running;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let searchTimer;
  const rows = byId("voucher-rows");
  const search = byId("search", HTMLInputElement);
  const standing = byId("standing", HTMLSelectElement);

  /**
   * @param {string} path
   * @param {boolean} isFirst
   */
  async function show(path, isFirst) {
    running?.abort();
    running = new AbortController();
    const { body, next: more } = await ask(path, running);
    next = more;
    // A page of a search may be empty.
    if (!body.length && next) return show(next, isFirst);
    if (isFirst) rows.replaceChildren();
    rows.append(...body.map(voucherRow));
    byId("voucher-more").hidden = !next;
    byId("voucher-empty").hidden = rows.childElementCount > 0;
    const isWhole = search.value.trim() === "" && standing.value === "";
    byId("voucher-empty").textContent = isWhole ? text.noVouchers : text.nothingFound;
  }

  function load() {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE) });
    const sought = search.value.trim();
    if (sought !== "") query.set("q", sought);
    if (standing.value !== "") query.set("standing", standing.value);
    return show(`/billing/vouchers/list?${query}`, true);
  }

  search.addEventListener("input", () => {
    clearTimeout(searchTimer);
    searchTimer = setTimeout(() => load().catch(report), SEARCH_DELAY_MS);
  });
  standing.addEventListener("change", () => load().catch(report));
  byId("voucher-more").addEventListener("click", () => {
    if (next !== undefined) show(next, false).catch(report);
  });
  const page = createVoucherPage({ onChange: reload });
  async function reload() {
    await Promise.all([load(), page.show()]);
  }
  const submit = createSubmit(reload);
  createVoucherDialogs(submit);
  listenToEdit(submit);

  return {
    /** Loads the list, and the voucher that the address names. */
    async load() {
      for (const element of document.querySelectorAll("[data-write]"))
        if (element instanceof HTMLElement) element.hidden = !mayWrite();
      await load();
      await page.show().catch(report);
    },
  };
}

/** @param {Voucher} voucher */
function voucherRow(voucher) {
  const { code, credit_omr, description, max_redemptions, times_redeemed, standing } = voucher;
  const counts = { n: formatNumber(times_redeemed), max: formatNumber(max_redemptions) };
  const dates = describeDates(voucher);
  const actions = [
    button(text.copyLink, code, () => copyLink(code)),
    button(text.qrCode, code, () => openLink(code)),
    ...(mayWrite() ? [button(text.revoke, code, () => openRevoke(code).catch(report), "danger")] : []),
  ];
  return row(
    [
      create("a", { class: "mono strong", dir: "ltr", href: addressOf(code) }, code),
      create("span", { class: "second" }, create("bdi", {}, description)),
      ...(dates === "" ? [] : [create("span", { class: "second dates" }, dates)]),
    ],
    create("span", { class: "figure" }, formatBaisa(credit_omr * 1000)),
    create("span", { class: "figure" }, fill(max_redemptions === 0 ? text.unlimited : text.of, counts)),
    standingPill(standing),
    create("div", { class: "row-actions" }, ...(standing === "revoked" ? [] : actions)),
  );
}

/**
 * A button of a row. Its accessible name contains the code, so that it makes sense outside the row.
 * @param {string} label
 * @param {string} code
 * @param {() => void} act
 */
function button(label, code, act, kind = "") {
  const element = create("button", { type: "button", class: `quiet small ${kind}` }, label);
  element.append(create("span", { class: "hidden-text" }, ` ${code}`));
  element.addEventListener("click", act);
  return element;
}
