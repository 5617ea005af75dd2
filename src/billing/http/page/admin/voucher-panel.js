import { ask, isAbort, messageOf } from "./api.js";
import { byId, create, fill, formatBaisa, formatNumber, notify, row, text } from "./view.js";
import { copyLink, createVoucherDialogs, openLink, openRevoke } from "./voucher-dialog.js";

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

/** The list of vouchers with its search. */
export function createVoucherPanel() {
  /** @type {string | undefined} */
  let next;
  /** @type {AbortController | undefined} */
  let running;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let searchTimer;
  const rows = byId("voucher-rows");
  const search = byId("search", HTMLInputElement);

  /**
   * @param {string} path
   * @param {boolean} isFirst
   */
  async function show(path, isFirst) {
    running?.abort();
    running = new AbortController();
    const { body, next: following } = await ask(path, { signal: running.signal });
    if (isFirst) rows.replaceChildren();
    rows.append(...body.map(voucherRow));
    next = following;
    byId("voucher-more").hidden = next === undefined;
    byId("voucher-empty").hidden = rows.childElementCount > 0;
    byId("voucher-empty").textContent = search.value.trim() === "" ? text.noVouchers : text.nothingFound;
  }

  function load() {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE) });
    const sought = search.value.trim();
    if (sought !== "") query.set("q", sought);
    return show(`/billing/vouchers/list?${query}`, true);
  }

  /** @param {unknown} error */
  const report = (error) => {
    if (!isAbort(error)) notify(messageOf(error));
  };

  search.addEventListener("input", () => {
    clearTimeout(searchTimer);
    searchTimer = setTimeout(() => load().catch(report), SEARCH_DELAY_MS);
  });
  byId("voucher-more").addEventListener("click", () => {
    if (next !== undefined) show(next, false).catch(report);
  });
  createVoucherDialogs({ reload: load });

  return { load };
}

/** @param {Voucher} voucher */
function voucherRow(voucher) {
  const { code, credit_omr, description, max_redemptions, times_redeemed, standing } = voucher;
  const counts = { n: formatNumber(times_redeemed), max: formatNumber(max_redemptions) };
  const share = button(text.copyLink, code, () => copyLink(code));
  const qr = button(text.qrCode, code, () => openLink(code));
  const revoke = button(text.revoke, code, () => openRevoke(code), "danger");
  return row(
    [
      create("span", { class: "mono strong", dir: "ltr" }, code),
      create("span", { class: "second" }, create("bdi", {}, description)),
    ],
    create("span", { class: "figure" }, formatBaisa(credit_omr * 1000)),
    create("span", { class: "figure" }, fill(max_redemptions === 0 ? text.unlimited : text.of, counts)),
    create("span", { class: `pill ${standing}` }, text.standing[standing]),
    create("div", { class: "row-actions" }, share, qr, revoke),
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
