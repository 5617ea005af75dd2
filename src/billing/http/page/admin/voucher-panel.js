import { ask } from "./api.js";
import { drawQr } from "./chart.js";
import { byId, create, fill, formatBaisa, formatNumber, notify, row, showProblem, text } from "./view.js";

const PAGE_SIZE = 50;
const SEARCH_DELAY_MS = 250;

/** The list of vouchers with its search, and the dialogs that issue, share and revoke. */
export function createVoucherPanel() {
  let next;
  let running;
  let searchTimer;

  async function show(path, isFirst) {
    running?.abort();
    running = new AbortController();
    const { body, next: following } = await ask(path, { signal: running.signal });
    if (isFirst) byId("voucher-rows").replaceChildren();
    byId("voucher-rows").append(...body.map(voucherRow));
    next = following;
    byId("voucher-more").hidden = next === undefined;
    const isEmpty = byId("voucher-rows").childElementCount === 0;
    byId("voucher-empty").hidden = !isEmpty;
    byId("voucher-empty").textContent =
      byId("search").value.trim() === "" ? text.noVouchers : text.nothingFound;
  }

  function load() {
    const query = new URLSearchParams({ limit: PAGE_SIZE });
    const sought = byId("search").value.trim();
    if (sought !== "") query.set("q", sought);
    return show(`/billing/vouchers/list?${query}`, true);
  }

  const say = (error) => {
    if (error.name !== "AbortError") notify(error.message);
  };

  byId("search").addEventListener("input", () => {
    clearTimeout(searchTimer);
    searchTimer = setTimeout(() => load().catch(say), SEARCH_DELAY_MS);
  });
  byId("voucher-more").addEventListener("click", () => show(next, false).catch(say));

  function voucherRow(voucher) {
    const { code, credit_omr, description, max_redemptions, times_redeemed } = voucher;
    const standing = standingOf(voucher);
    const counts = { n: formatNumber(times_redeemed), max: formatNumber(max_redemptions) };
    const share = button(text.copyLink, code, () => copy(code));
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

  async function copy(code) {
    try {
      await navigator.clipboard.writeText(linkTo(code));
      notify(text.copied);
    } catch {
      await openLink(code);
    }
  }

  async function openLink(code) {
    const link = linkTo(code);
    const { encode } = await import("./qr.js");
    byId("qr").replaceChildren(drawQr(encode(link, { ecc: "M", border: 4 }), fill(text.qrLabel, { code })));
    byId("link-code").textContent = code;
    byId("link").value = link;
    byId("link-dialog").showModal();
    byId("link").select();
  }

  byId("link-copy").addEventListener("click", async () => {
    byId("link").select();
    await navigator.clipboard?.writeText(byId("link").value);
    byId("link-dialog").close();
    notify(text.copied);
  });

  function openRevoke(code) {
    byId("revoke-code").textContent = code;
    showProblem("revoke-problem");
    byId("revoke-dialog").showModal();
  }

  byId("revoke-confirm").addEventListener("click", () =>
    submit("revoke-dialog", "revoke-problem", async () => {
      const code = byId("revoke-code").textContent;
      // Nothing, or dots alone, would be no segment of the path; blanks around a code do not count.
      const segment = encodeURIComponent(/^\.{0,2}$/.test(code) ? ` ${code}` : code);
      await ask(`/billing/vouchers/revoke/${segment}`, { method: "DELETE" });
      return fill(text.revoked, { code });
    }),
  );

  // One key for one wish: a second press after a lost answer issues nothing twice.
  let issueKey;
  byId("issue").addEventListener("click", () => {
    byId("issue-form").reset();
    showProblem("issue-problem");
    issueKey = newKey();
    byId("issue-dialog").showModal();
  });

  byId("issue-form").addEventListener("input", () => {
    issueKey = newKey();
  });

  byId("issue-form").addEventListener("submit", (event) => {
    event.preventDefault();
    return submit("issue-dialog", "issue-problem", async () => {
      const headers = { "idempotency-key": issueKey };
      const { body } = await ask("/billing/vouchers/issue", { method: "POST", body: issueBody(), headers });
      return fill(text.issued, { code: body.code });
    });
  });

  async function submit(dialog, problem, send) {
    const buttons = byId(dialog).querySelectorAll(".action");
    for (const element of buttons) element.disabled = true;
    try {
      const message = await send();
      byId(dialog).close();
      notify(message);
      await load();
    } catch (error) {
      showProblem(problem, error.message);
    } finally {
      for (const element of buttons) element.disabled = false;
    }
  }

  return { load };
}

function issueBody() {
  const value = (id) => byId(id).value.trim();
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

const linkTo = (code) => `${location.origin}/redeem?code=${encodeURIComponent(code)}`;

function standingOf({ active, credit_omr, max_redemptions, times_redeemed, starts_at, expires_at }) {
  const now = Date.now();
  if (!active || credit_omr <= 0) return "inactive";
  if (expires_at !== undefined && Date.parse(expires_at) <= now) return "expired";
  if (max_redemptions !== 0 && times_redeemed >= max_redemptions) return "exhausted";
  if (starts_at !== undefined && Date.parse(starts_at) > now) return "scheduled";
  return "live";
}

/** A button of a row: the code is in its name, so that it makes sense out of the row too. */
function button(label, code, act, kind = "") {
  const element = create("button", { type: "button", class: `quiet small ${kind}` }, label);
  element.append(create("span", { class: "hidden-text" }, ` ${code}`));
  element.addEventListener("click", act);
  return element;
}
