export const HOT_CODE = "HOT";
export const CODE_COUNT = 1_000;
export const MISSING_CODE = "NOBODYHASTHIS";
export const codeOf = (index: number) => `CODE${String(index % CODE_COUNT).padStart(4, "0")}`;
