import { ask, report } from "./api.js";
import { byId, create, formatBaisa, formatNumber, formatTime, row, text } from "./view.js";

const SHOWN = 20;

/** Balances, orders and revenue, which superadmins and auditors may read. */
export function createMoneyPanel() {
  /** @type {string | undefined} */
  let nextBalances;

  async function loadBalances(path = `/billing/admin/balances?limit=${SHOWN}`, isFirst = true) {
    const { body, next } = await ask(path);
    if (isFirst) byId("balance-rows").replaceChildren();
    byId("balance-rows").append(...body.map(balanceRow));
    nextBalances = next;
    byId("balance-more").hidden = next === undefined;
    showEmpty("balance", text.noCustomers);
  }
  byId("balance-more").addEventListener("click", () => loadBalances(nextBalances, false).catch(report));

  async function loadOrders() {
    const { body } = await ask(`/billing/admin/orders?limit=${SHOWN}`);
    byId("order-rows").replaceChildren(...body.map(orderRow));
    showEmpty("order", text.noOrders);
  }

  /** @returns {Promise<[label: string, value: string][]>} */
  async function loadRevenue() {
    const month = new Date().toISOString().slice(0, 7);
    const [{ body: now }, { body: moved }] = await Promise.all([
      ask("/billing/admin/revenue"),
      ask(`/billing/admin/revenue?month=${month}`),
    ]);
    // Credit that pays for an order is not revenue, so the two are never one figure.
    return [
      [text.tiles.charged, formatBaisa(moved.charged_by_card_baisa)],
      [text.tiles.drawn, formatBaisa(moved.drawn_from_credit_baisa)],
      [text.tiles.subscriptions, formatNumber(now.active_subscriptions)],
    ];
  }

  return {
    /** The tiles of revenue. */
    async load() {
      const [tiles] = await Promise.all([loadRevenue(), loadBalances(), loadOrders()]);
      return tiles;
    },
  };
}

/** @param {{ email: string, user_id: string, credit_baisa: number }} customer */
function balanceRow({ email, user_id, credit_baisa }) {
  return row(
    [
      create("bdi", {}, email || user_id || "—"),
      create("span", { class: "second mono", dir: "ltr" }, email ? user_id : ""),
    ],
    create("span", { class: credit_baisa < 0 ? "figure debt" : "figure" }, formatBaisa(credit_baisa)),
  );
}

/**
 * @typedef {object} Order
 * @property {string | null} tenant_id
 * @property {string | null} plan_id
 * @property {string | null} status
 * @property {string | null} created_at
 * @property {string} promo_code
 * @property {number} amount_baisa
 */

/** @param {Order} order */
function orderRow(order) {
  return row(
    [
      create("bdi", {}, order.tenant_id ?? "—"),
      create("span", { class: "second" }, `${order.plan_id ?? "—"} · ${formatTime(order.created_at)}`),
    ],
    [
      create("span", {}, order.status ?? "—"),
      create("span", { class: "second mono", dir: "ltr" }, order.promo_code),
    ],
    create("span", { class: "figure" }, formatBaisa(order.amount_baisa)),
  );
}

/**
 * @param {string} name
 * @param {string} message
 */
function showEmpty(name, message) {
  const isEmpty = byId(`${name}-rows`).childElementCount === 0;
  byId(`${name}-empty`).hidden = !isEmpty;
  byId(`${name}-empty`).textContent = message;
  const table = byId(`${name}-rows`).closest("table");
  if (table !== null) table.hidden = isEmpty;
}
