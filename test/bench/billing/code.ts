import type { Scenario } from "./scenario.ts";

export const HOT_CODE = "HOT";
export const CODE_COUNT = 1_000;
export const MISSING_CODE = "NOBODYHASTHIS";
const codeOf = (index: number) => `CODE${String(index % CODE_COUNT).padStart(4, "0")}`;

/** The voucher code of a scenario's checkout number `index`. */
export const voucherOf = (scenario: Scenario, index: number) =>
  scenario.codes === "hot" ? HOT_CODE : codeOf(index);
