/** Internally, money is counted in thousandths of the currency, such as baisa of OMR. */
const THOUSANDTHS = 1_000;

/**
 * Stripe's own table of minor units. ISO 4217 and the runtime's locale data differ from it: CLDR gives HUF, PKR and IDR no
 * minor unit, Stripe gives them hundredths. All other currencies have hundredths. https://docs.stripe.com/currencies#zero-decimal
 */
const WITHOUT_PARTS = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
const WITH_THOUSANDTHS = new Set("BHD JOD KWD OMR TND".split(" "));
/** Written in hundredths, which must be 00. https://docs.stripe.com/currencies#special-cases */
const WHOLE_IN_HUNDREDTHS = new Set(["ISK", "UGX"]);

/** Thousandths in one of the processor's units. */
function minorUnit(currency: string): number {
  const code = currency.toUpperCase();
  if (WITHOUT_PARTS.has(code)) return THOUSANDTHS;
  return WITH_THOUSANDTHS.has(code) ? 1 : 10;
}

/** `0.2 OMR`, for the text of an error. */
export const describeAmount = (amountBaisa: number, currency: string): string =>
  `${amountBaisa / THOUSANDTHS} ${currency}`;

/** The amount in Stripe's minor unit: cents of USD, baisa of OMR. `amountBaisa` must be a multiple of the card step. */
export const minorOfBaisa = (amountBaisa: number, currency: string): number =>
  amountBaisa / minorUnit(currency);

export const baisaOfMinor = (amount: number, currency: string): number => amount * minorUnit(currency);

/**
 * The smallest amount that a card can pay. Stripe requires the last digit of a three-decimal currency to be 0.
 * https://docs.stripe.com/currencies#three-decimal
 */
export const cardStepOf = (currency: string): number =>
  WHOLE_IN_HUNDREDTHS.has(currency.toUpperCase()) ? THOUSANDTHS : Math.max(10, minorUnit(currency));

/**
 * The smallest amount that Stripe accepts, in thousandths of the currency. For these currencies Stripe publishes it. It holds
 * for an account that is paid out in the same currency; another account has the minimum of its own currency, at Stripe's rate.
 * https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
const MINIMUM: Readonly<Record<string, number>> = {
  USD: 500,
  AED: 2_000,
  ARS: 500,
  AUD: 500,
  BGN: 1_000,
  BRL: 500,
  CAD: 500,
  CHF: 500,
  COP: 500,
  CZK: 15_000,
  DKK: 2_500,
  EUR: 500,
  GBP: 300,
  HKD: 4_000,
  HUF: 175_000,
  IDR: 500,
  ILS: 500,
  INR: 500,
  JPY: 50_000,
  KRW: 50_000,
  MXN: 10_000,
  MYR: 2_000,
  NOK: 3_000,
  NZD: 500,
  PHP: 500,
  PLN: 2_000,
  RON: 2_000,
  RUB: 500,
  SEK: 3_000,
  SGD: 500,
  THB: 10_000,
  ZAR: 500,
  // Stripe publishes no minimum for these. It converts the amount into the account's currency, and applies that currency's
  // minimum. Each value here is above every minimum in this table, of which that of CZK is the highest (about 0.70 USD).
  OMR: 300,
  BHD: 300,
  KWD: 250,
  JOD: 500,
  QAR: 3_000,
  SAR: 3_000,
};

/** What Stripe publishes for most currencies. */
const USUAL_MINIMUM = 500;

/** The smallest card payment in thousandths, as far as it is known. If Stripe refuses it, checkout tries larger ones. */
export const minimumCardPaymentOf = (currency: string): number =>
  MINIMUM[currency.toUpperCase()] ?? Math.max(USUAL_MINIMUM, cardStepOf(currency));
