/** Inside, money is counted in thousandths of the currency, as OMR in baisa. */
const THOUSANDTHS = 1_000;

/**
 * What Stripe counts in, by its own table: neither ISO 4217 nor a runtime's locale data agrees with it (CLDR gives HUF, PKR
 * and IDR no parts, Stripe hundredths). All others have hundredths. https://docs.stripe.com/currencies#zero-decimal
 */
const WITHOUT_PARTS = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
const WITH_THOUSANDTHS = new Set("BHD JOD KWD OMR TND".split(" "));
/** Given in hundredths, which must be 00. https://docs.stripe.com/currencies#special-cases */
const WHOLE_IN_HUNDREDTHS = new Set(["ISK", "UGX"]);

/** Thousandths in one of the processor's units. */
function minorUnit(currency: string): number {
  const code = currency.toUpperCase();
  if (WITHOUT_PARTS.has(code)) return THOUSANDTHS;
  return WITH_THOUSANDTHS.has(code) ? 1 : 10;
}

/** What the processor counts in: cents of USD, baisa of OMR. The amount is a multiple of the card's step. */
export const minorOfBaisa = (amountBaisa: number, currency: string): number =>
  amountBaisa / minorUnit(currency);

export const baisaOfMinor = (amount: number, currency: string): number => amount * minorUnit(currency);

/**
 * The smallest amount that a card can be asked for. Stripe wants the last digit of three-decimal currencies to be 0.
 * https://docs.stripe.com/currencies#three-decimal
 */
export const cardStepOf = (currency: string): number =>
  WHOLE_IN_HUNDREDTHS.has(currency.toUpperCase()) ? THOUSANDTHS : Math.max(10, minorUnit(currency));
