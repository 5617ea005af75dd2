import { ask, report } from "./api.js";
import { drawChart } from "./chart.js";
import { createMoneyPanel } from "./money-panel.js";
import { hasRole } from "./session.js";
import { byId, create, fill, fillPlural, formatBaisa, formatDay, formatNumber, row, text } from "./view.js";

const PERIODS = [7, 30, 90];

/** Redemptions over time for every administrator, and balances, orders and revenue for superadmins and auditors. */
export function createReportPanel() {
  let period = 30;
  /** @type {import("./chart.js").RedemptionDay[]} */
  let days = [];

  /** The request for another period ends this one: a late answer is of another period. */
  let running = new AbortController();

  const money = createMoneyPanel();
  const chart = byId("chart");
  const inDays = () => fillPlural(text.days, period);
  /** @param {"redemptions" | "granted_baisa"} member */
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
        for (const other of byId("period").children)
          other.setAttribute("aria-pressed", String(other === element));
        load().catch(report);
      });
      return element;
    }),
  );

  /** @returns {Promise<[label: string, value: string][]>} */
  async function loadRedemptions() {
    running.abort();
    running = new AbortController();
    days = (await ask(`/billing/admin/redemptions?days=${period}`, running)).body;
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

  async function load() {
    // Others have no part of the page for it, and send no request that would be refused.
    const seesMoney = hasRole("superadmin") || hasRole("sovereign-auditor");
    byId("money").hidden = !seesMoney;
    const [redemptions, revenue] = await Promise.all([loadRedemptions(), seesMoney ? money.load() : []]);
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
