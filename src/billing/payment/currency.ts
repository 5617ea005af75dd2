/** Inside, money is counted in thousandths of the currency, as OMR in baisa. */
const THOUSANDTHS_PLACES = 3;

/** Places behind the point that ISO 4217 gives a currency: 2 of USD, 3 of OMR, 0 of JPY. */
function placesOf(currency: string): number {
  const { maximumFractionDigits = 2 } = new Intl.NumberFormat("en", {
    style: "currency",
    currency,
  }).resolvedOptions();
  return Math.min(maximumFractionDigits, THOUSANDTHS_PLACES);
}

const minorUnit = (currency: string): number => 10 ** (THOUSANDTHS_PLACES - placesOf(currency));

/** What the processor counts in: cents of USD, baisa of OMR. The amount is a multiple of the card's step. */
export const minorOfBaisa = (amountBaisa: number, currency: string): number =>
  amountBaisa / minorUnit(currency);

export const baisaOfMinor = (amount: number, currency: string): number => amount * minorUnit(currency);

/**
 * The smallest amount that a card can be asked for. Stripe wants the last digit of three-decimal currencies to be 0.
 * https://docs.stripe.com/currencies#three-decimal
 */
export const cardStepOf = (currency: string): number => Math.max(10, minorUnit(currency));
