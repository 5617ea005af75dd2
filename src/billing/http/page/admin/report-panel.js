import { ask } from "./api.js";
import { drawChart } from "./chart.js";
import { hasRole } from "./session.js";
import {
  byId,
  create,
  fill,
  fillPlural,
  formatBaisa,
  formatDay,
  formatNumber,
  formatTime,
  notify,
  row,
  text,
} from "./view.js";

const PERIODS = [7, 30, 90];
const SHOWN = 20;

/** Redemptions over time for every administrator; money and orders for superadmins, who alone may read them. */
export function createReportPanel() {
  let period = 30;
  let days = [];
  let nextBalances;

  const chart = byId("chart");
  const inDays = () => fillPlural(text.days, period);
  const sum = (member) => days.reduce((total, day) => total + day[member], 0);

  function draw() {
    const width = Math.floor(chart.clientWidth);
    if (width === 0 || days.length === 0) return;
    const label = fillPlural(text.chart, sum("redemptions"), { days: inDays() });
    chart.replaceChildren(drawChart(width, days, label));
  }
  new ResizeObserver(draw).observe(chart);

  byId("period").append(
    ...PERIODS.map((choice) => {
      const element = create(
        "button",
        { type: "button", "aria-pressed": choice === period },
        fillPlural(text.days, choice),
      );
      element.addEventListener("click", () => {
        period = choice;
        for (const other of byId("period").children) other.setAttribute("aria-pressed", other === element);
        load().catch((error) => notify(error.message));
      });
      return element;
    }),
  );

  async function loadRedemptions() {
    days = (await ask(`/billing/admin/redemptions?days=${period}`)).body;
    draw();
    byId("redemption-rows").replaceChildren(
      ...days
        .toReversed()
        .map((day) =>
          row(formatDay(day.date), formatNumber(day.redemptions), formatBaisa(day.granted_baisa)),
        ),
    );
    return [
      [fill(text.tiles.redemptions, { days: inDays() }), formatNumber(sum("redemptions"))],
      [fill(text.tiles.granted, { days: inDays() }), formatBaisa(sum("granted_baisa"))],
    ];
  }

  async function loadBalances(path = `/billing/admin/balances?limit=${SHOWN}`, isFirst = true) {
    const { body, next } = await ask(path);
    const rows = body.map(({ email, user_id, credit_baisa }) =>
      row(
        [
          create("bdi", {}, email || user_id || "—"),
          create("span", { class: "second mono", dir: "ltr" }, email ? user_id : ""),
        ],
        create("span", { class: credit_baisa < 0 ? "figure debt" : "figure" }, formatBaisa(credit_baisa)),
      ),
    );
    if (isFirst) byId("balance-rows").replaceChildren();
    byId("balance-rows").append(...rows);
    nextBalances = next;
    byId("balance-more").hidden = next === undefined;
    showEmpty("balance", text.nobody);
  }
  byId("balance-more").addEventListener("click", () =>
    loadBalances(nextBalances, false).catch((error) => notify(error.message)),
  );

  async function loadOrders() {
    const { body } = await ask(`/billing/admin/orders?limit=${SHOWN}`);
    byId("order-rows").replaceChildren(
      ...body.map((order) =>
        row(
          [
            create("bdi", {}, order.tenant_id ?? "—"),
            create("span", { class: "second" }, `${order.plan_id ?? "—"} · ${formatTime(order.created_at)}`),
          ],
          [
            create("span", {}, order.status ?? "—"),
            create("span", { class: "second mono", dir: "ltr" }, order.promo_code),
          ],
          create("span", { class: "figure" }, formatBaisa(order.amount_baisa)),
        ),
      ),
    );
    showEmpty("order", text.noOrders);
  }

  async function loadRevenue() {
    const { body } = await ask("/billing/admin/revenue");
    return [
      [text.tiles.revenue, formatBaisa(body.total_mrr_baisa)],
      [text.tiles.subscriptions, formatNumber(body.active_subscriptions)],
    ];
  }

  async function load() {
    // Asked only by those who may: a refusal would be an error on the console, and tells nobody anything.
    const isSuperadmin = hasRole("superadmin");
    const [redemptions, revenue] = await Promise.all([
      loadRedemptions(),
      isSuperadmin ? loadRevenue() : [],
      isSuperadmin ? loadBalances() : showEmpty("balance", text.superadminOnly),
      isSuperadmin ? loadOrders() : showEmpty("order", text.superadminOnly),
    ]);
    byId("tiles").replaceChildren(
      ...[...redemptions, ...revenue].map(([label, value]) =>
        create(
          "li",
          { class: "card tile" },
          create("span", { class: "label" }, label),
          create("strong", {}, value),
        ),
      ),
    );
  }

  return { load };
}

function showEmpty(name, message) {
  const isEmpty = byId(`${name}-rows`).childElementCount === 0;
  byId(`${name}-empty`).hidden = !isEmpty;
  byId(`${name}-empty`).textContent = message;
  byId(`${name}-rows`).closest("table").hidden = isEmpty;
}
