import { errorMessage } from "../../platform/errors.ts";

/** A code's spellings: as it is, quoted once and twice, and in a URL. */
function spellingsOf(voucherCode: string | null): string[] {
  if (voucherCode === null || voucherCode === "") return [];
  const quoted = JSON.stringify(voucherCode).slice(1, -1);
  const spellings = [voucherCode, quoted, JSON.stringify(quoted).slice(1, -1)];
  if (voucherCode.isWellFormed()) spellings.push(encodeURIComponent(voucherCode));
  return spellings;
}

/** The error's message without voucher codes, which a sink may quote and which must not be logged. */
export function failureReason(
  error: unknown,
  rows: readonly { payload: { promo_code: string | null } }[],
): string {
  let message = errorMessage(error);
  const spellings = rows.flatMap(({ payload }) => spellingsOf(payload.promo_code));
  // The longest first, because a shorter spelling may be part of a longer one.
  for (const spelling of spellings.sort((one, other) => other.length - one.length))
    message = message.replaceAll(spelling, "(voucher)");
  return message.slice(0, 500);
}
