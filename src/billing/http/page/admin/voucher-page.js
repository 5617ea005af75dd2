import { ask, isAbort, report } from "./api.js";
import { change, openEdit } from "./edit-dialog.js";
import { hasRole } from "./session.js";
import { describeChanges, describeTerms, standingPill } from "./term.js";
import { byId, create, fill, formatNumber, formatTime, notify, row, text } from "./view.js";
import { copyLink, openLink, openRevoke } from "./voucher-dialog.js";
import { pathOf } from "./voucher-form.js";

const PREFIX = "#voucher=";
const SHOWN = 20;

/** The code of the voucher that the address names, if it names one. */
function codeInAddress() {
  if (!location.hash.startsWith(PREFIX)) return undefined;
  const code = location.hash.slice(PREFIX.length);
  try {
    return decodeURIComponent(code);
  } catch {
    // A broken link: no voucher has this code, and the page says so.
    return code;
  }
}

/** @param {string} code */
export const addressOf = (code) => `${PREFIX}${encodeURIComponent(code)}`;

/**
 * The page of one voucher: its terms, what can be done with it, and its history. `onChange` is called after a change.
 * @param {{ onChange: () => Promise<void> }} deps
 */
export function createVoucherPage({ onChange }) {
  /** @type {string | undefined} */
  let nextHistory;
  /** The requests for the voucher that the address names. Another address ends them: a late answer is of another voucher. */
  let running = new AbortController();

  async function show() {
    running.abort();
    running = new AbortController();
    try {
      await load(codeInAddress(), running);
    } catch (error) {
      if (!isAbort(error)) throw error;
    }
  }

  /**
   * @param {string | undefined} code
   * @param {AbortController} request
   */
  async function load(code, request) {
    byId("voucher-page").hidden = code === undefined;
    byId("overview").hidden = code !== undefined;
    if (code === undefined) return;
    // The terms of another voucher must not stand under this title, also when this voucher cannot be read.
    if (byId("voucher-title").textContent !== code)
      for (const id of ["voucher-standing", "voucher-terms", "voucher-actions"]) byId(id).replaceChildren();
    byId("voucher-title").textContent = code;
    byId("history-rows").replaceChildren();
    byId("history-more").hidden = true;
    // The buttons have the tag of the voucher as it was: a click before the answer would be refused.
    for (const button of byId("voucher-actions").querySelectorAll("button")) button.disabled = true;
    const [{ body: voucher, tag }] = await Promise.all([
      ask(pathOf("read", code), request),
      showHistory(`${pathOf("audit", code)}?limit=${SHOWN}`, request),
    ]);
    byId("voucher-standing").replaceChildren(standingPill(voucher.standing));
    const redeemed = [text.redeemed, formatNumber(voucher.times_redeemed)];
    byId("voucher-terms").replaceChildren(
      ...[...describeTerms(voucher), redeemed].flatMap(([label = "", words = ""]) => [
        create("dt", {}, label),
        create("dd", {}, create("bdi", {}, words)),
      ]),
    );
    byId("voucher-actions").replaceChildren(...actionsOf(voucher, tag));
  }

  /**
   * @param {string} path
   * @param {AbortController} request
   */
  async function showHistory(path, request) {
    const { body, next } = await ask(path, request);
    byId("history-rows").append(...body.map(historyRow));
    nextHistory = next;
    byId("history-more").hidden = next === undefined;
  }

  /**
   * @param {any} voucher
   * @param {string | null} tag
   */
  function actionsOf({ code, active, standing }, tag) {
    if (standing === "revoked") return [];
    const share = [button(text.copyLink, () => copyLink(code)), button(text.qrCode, () => openLink(code))];
    if (!mayWrite()) return share;
    const toggle = async () => {
      await change(code, tag, { active: !active });
      notify(fill(active ? text.paused : text.resumed, { code }));
      await onChange();
    };
    return [
      button(text.edit, () => openEdit(code)),
      button(active ? text.pause : text.resume, toggle),
      ...share,
      button(text.revoke, () => openRevoke(code), "danger"),
    ];
  }

  addEventListener("hashchange", () =>
    show()
      .then(() => byId(codeInAddress() === undefined ? "search" : "voucher-title").focus())
      .catch(report),
  );
  byId("history-more").addEventListener("click", () => {
    if (nextHistory !== undefined) showHistory(nextHistory, running).catch(report);
  });
  return { show };
}

/** Auditors read everything and change nothing. */
export const mayWrite = () => hasRole("superadmin") || hasRole("sovereign-admin");

/** @param {any} entry */
function historyRow({ at, action, subject, actor, before, after }) {
  const actions = /** @type {Record<string, string>} */ (text.actions);
  const changes = action === "revoke" ? [] : describeChanges(before, after);
  return row(
    formatTime(at),
    [
      create("span", { class: "strong" }, actions[action] ?? action),
      ...changes.map((line) => create("span", { class: "second", dir: "auto" }, line)),
    ],
    create("bdi", {}, subject ?? actor),
  );
}

/**
 * @param {string} label
 * @param {() => unknown} act
 */
function button(label, act, kind = "") {
  const element = create("button", { type: "button", class: `quiet small ${kind}` }, label);
  element.addEventListener("click", async () => {
    try {
      await act();
    } catch (error) {
      report(error);
    }
  });
  return element;
}
