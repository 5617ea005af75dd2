import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import type { Define } from "./define.ts";

// 10^18: fine enough for nano-units of exa-amounts to stay whole.
const SCALE = 10n ** 18n;
const MAX_INT = 2n ** 63n - 1n;

const SUFFIX: Record<string, readonly [bigint, bigint]> = {
  "": [1n, 1n],
  n: [1n, 10n ** 9n],
  u: [1n, 10n ** 6n],
  m: [1n, 1000n],
  k: [10n ** 3n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [2n ** 10n, 1n],
  Mi: [2n ** 20n, 1n],
  Gi: [2n ** 30n, 1n],
  Ti: [2n ** 40n, 1n],
  Pi: [2n ** 50n, 1n],
  Ei: [2n ** 60n, 1n],
};

/** A `resource.Quantity` in units of 10^-18. */
class Quantity {
  readonly amount: bigint;
  constructor(amount: bigint) {
    this.amount = amount;
  }
}

/** `1.5Gi`, `100m`, `2e3`; undefined for anything else. */
function parseQuantity(text: string): bigint | undefined {
  const match =
    /^([+-]?)(\d+\.?\d*|\.\d+)(?:([eE])([+-]?\d{1,2})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)$/.exec(text);
  if (match === null) return undefined;
  const [, sign, digits = "", exponentMark, exponentText, suffix = ""] = match;
  const [whole = "", fraction = ""] = digits.split(".");
  const exponent = exponentMark === undefined ? 0 : Number(exponentText);
  const [times, over] = SUFFIX[suffix] ?? [1n, 1n];
  const numerator =
    BigInt(`${whole}${fraction}` || "0") * times * SCALE * 10n ** BigInt(Math.max(exponent, 0));
  const divisor = over * 10n ** BigInt(fraction.length) * 10n ** BigInt(Math.max(-exponent, 0));
  const amount = (numerator + divisor - 1n) / divisor;
  return sign === "-" ? -amount : amount;
}

export function registerQuantities(environment: Environment, define: Define): void {
  const TYPE = "kubernetes.Quantity";
  environment.registerType(TYPE, Quantity);
  environment.registerOperator(`${TYPE} == ${TYPE}`, (a: Quantity, b: Quantity) => a.amount === b.amount);

  define("isQuantity(string): bool", (text: string) => parseQuantity(text) !== undefined);
  define(`quantity(string): ${TYPE}`, (text: string) => {
    const amount = parseQuantity(text);
    if (amount === undefined) {
      throw new EvaluationError({
        code: "invalid_quantity",
        message:
          "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      });
    }
    return new Quantity(amount);
  });
  define(`${TYPE}.isInteger(): bool`, ({ amount }: Quantity) => isInteger(amount));
  define(`${TYPE}.asInteger(): int`, ({ amount }: Quantity) => {
    if (!isInteger(amount)) {
      throw new EvaluationError({
        code: "invalid_conversion",
        message: "cannot convert value to integer",
      });
    }
    return amount / SCALE;
  });
  define(
    `${TYPE}.asApproximateFloat(): double`,
    ({ amount }: Quantity) => Number(amount / 10n ** 9n) / 10 ** 9,
  );
  define(`${TYPE}.add(${TYPE}): ${TYPE}`, (a: Quantity, b: Quantity) => new Quantity(a.amount + b.amount));
  define(`${TYPE}.add(int): ${TYPE}`, (a: Quantity, b: bigint) => new Quantity(a.amount + b * SCALE));
  define(`${TYPE}.sub(${TYPE}): ${TYPE}`, (a: Quantity, b: Quantity) => new Quantity(a.amount - b.amount));
  define(`${TYPE}.sub(int): ${TYPE}`, (a: Quantity, b: bigint) => new Quantity(a.amount - b * SCALE));
  define(`${TYPE}.isLessThan(${TYPE}): bool`, (a: Quantity, b: Quantity) => a.amount < b.amount);
  define(`${TYPE}.isGreaterThan(${TYPE}): bool`, (a: Quantity, b: Quantity) => a.amount > b.amount);
  define(`${TYPE}.compareTo(${TYPE}): int`, (a: Quantity, b: Quantity) =>
    a.amount < b.amount ? -1n : a.amount > b.amount ? 1n : 0n,
  );
}

function isInteger(amount: bigint): boolean {
  const whole = amount / SCALE;
  return amount % SCALE === 0n && whole <= MAX_INT && whole >= -MAX_INT - 1n;
}
