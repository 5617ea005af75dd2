import { fillPlural, formatDay, formatNumber, text } from "./view.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 220;
/** Space around the bars, in pixels. */
const MARGIN = { top: 22, bottom: 28, start: 44, end: 32 };
const LABEL_WIDTH = 64;
/** The width of a digit above a bar. */
const DIGIT_WIDTH = 7;

/** @typedef {{ date: string, redemptions: number, granted_baisa: number }} RedemptionDay */

/**
 * A bar for each day. The chart is drawn in real pixels, so that texts keep their size on a narrow screen. In a language
 * that is read from right to left, time runs from right to left too.
 * @param {number} width
 * @param {RedemptionDay[]} days
 * @param {string} label
 */
export function drawChart(width, days, label) {
  const isRightToLeft = document.dir === "rtl";
  const top = niceTop(Math.max(...days.map(({ redemptions }) => redemptions)));
  const inner = { width: width - MARGIN.start - MARGIN.end, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const step = inner.width / days.length;
  /** @param {number} x */
  const across = (x) => (isRightToLeft ? width - x : x);
  /** @param {number} value */
  const up = (value) => MARGIN.top + inner.height * (1 - value / top);

  const svg = shape("svg", { role: "img", "aria-label": label, width, height: HEIGHT, class: "chart" });
  for (const value of [0, top / 2, top]) {
    svg.append(
      shape("line", {
        x1: across(MARGIN.start),
        x2: across(width - MARGIN.end),
        y1: up(value),
        y2: up(value),
        class: "grid",
      }),
      caption(formatNumber(value), { x: across(MARGIN.start - 8), y: up(value) + 4, "text-anchor": "end" }),
    );
  }
  const barWidth = Math.max(2, Math.min(28, step * 0.7));
  const every = Math.ceil(LABEL_WIDTH / step);
  days.forEach(({ date, redemptions }, index) => {
    const middle = across(MARGIN.start + step * (index + 0.5));
    if (redemptions > 0) {
      const bar = shape("rect", {
        x: middle - barWidth / 2,
        y: up(redemptions),
        width: barWidth,
        height: HEIGHT - MARGIN.bottom - up(redemptions),
        rx: Math.min(4, barWidth / 2),
        class: "bar",
      });
      const title = shape("title", {});
      title.textContent = fillPlural(text.bar, redemptions, { day: formatDay(date) });
      bar.append(title);
      svg.append(bar);
      const value = formatNumber(redemptions);
      if (value.length * DIGIT_WIDTH <= step)
        svg.append(
          caption(value, { x: middle, y: up(redemptions) - 5, "text-anchor": "middle", class: "value" }),
        );
    }
    // Counted back from today, so that today always has a label.
    if ((days.length - 1 - index) % every === 0 && step * (index + 0.5) > LABEL_WIDTH / 3) {
      svg.append(caption(formatDay(date), { x: middle, y: HEIGHT - 8, "text-anchor": "middle" }));
    }
  });
  return svg;
}

/**
 * The smallest of 2, 4, 6, 8, 10, 20, 40, 60, … that is not below the value. Half of it is a whole number.
 * @param {number} value
 */
function niceTop(value) {
  for (let power = 1; ; power *= 10) {
    for (const factor of [2, 4, 6, 8, 10]) if (value <= factor * power) return factor * power;
  }
}

/**
 * @param {string} words
 * @param {Record<string, string | number>} attributes
 */
function caption(words, attributes) {
  const element = shape("text", attributes);
  element.textContent = words;
  return element;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/**
 * A QR code as one path. It is black on white in dark mode too: scanners cannot read it otherwise.
 * @param {{ size: number, data: boolean[][] }} code
 * @param {string} label
 */
export function drawQr({ size, data }, label) {
  const svg = shape("svg", { role: "img", "aria-label": label, viewBox: `0 0 ${size} ${size}`, class: "qr" });
  const modules = data.flatMap((line, y) =>
    line.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
  );
  svg.append(
    shape("rect", { width: size, height: size, fill: "#fff" }),
    shape("path", { d: modules.join(""), fill: "#000", "shape-rendering": "crispEdges" }),
  );
  return svg;
}
