import type { BillingErrorCode, RequestErrorCode, TokenErrorCode, VoucherErrorCode } from "../../errors.ts";
import type { VoucherStanding, VoucherTerms } from "../../voucher/voucher.ts";
import type { Plural } from "./language.ts";

/** The texts of the administrators' page before its script runs. */
export interface AdminShellText {
  title: string;
  intro: string;
  signInWith: string;
  or: string;
  tokenLabel: string;
  tokenHint: string;
  signIn: string;
  signOut: string;
  noScript: string;
  language: string;
  redemptions: string;
  redemptionsHint: string;
  redemptionsByDay: string;
  period: string;
  showTable: string;
  vouchers: string;
  search: string;
  issue: string;
  code: string;
  credit: string;
  redeemed: string;
  status: string;
  actions: string;
  more: string;
  balances: string;
  customer: string;
  balance: string;
  orders: string;
  order: string;
  amount: string;
  issueTitle: string;
  bulkIssue: string;
  bulkTitle: string;
  bulkHint: string;
  count: string;
  prefix: string;
  capEach: string;
  standing: string;
  all: string;
  back: string;
  editTitle: string;
  changes: string;
  save: string;
  history: string;
  time: string;
  change: string;
  by: string;
  creditOmr: string;
  description: string;
  cap: string;
  capHint: string;
  startsAt: string;
  expiresAt: string;
  codeOptional: string;
  codeHint: string;
  descriptionHint: string;
  cancel: string;
  close: string;
  linkTitle: string;
  copyLink: string;
  revokeTitle: string;
  revokeHint: string;
  revoke: string;
  day: string;
  granted: string;
}

/** The codes that the page's requests can receive. The page translates each of them. */
type AdminProblemCode =
  | Exclude<VoucherErrorCode, "voucher_not_started" | "voucher_ended">
  | Extract<
      RequestErrorCode,
      "request_invalid" | "body_too_large" | "idempotency_in_flight" | "idempotency_mismatch" | "rate_limited"
    >
  | TokenErrorCode
  | Extract<BillingErrorCode, "database_unavailable">
  | "internal";

/** The members of a request that a person fills in. */
type AdminField = Exclude<keyof VoucherTerms, "active"> | "code" | "count" | "prefix";

/** The texts of its script. */
interface AdminScriptText {
  copyLink: string;
  qrCode: string;
  revoke: string;
  copied: string;
  issued: string;
  revoked: string;
  issuedMany: Plural;
  saved: string;
  paused: string;
  resumed: string;
  pause: string;
  resume: string;
  open: string;
  none: string;
  noLimit: string;
  redeemed: string;
  edit: string;
  yes: string;
  no: string;
  change: string;
  validFrom: string;
  validUntil: string;
  validBetween: string;
  room: { credit: string; active: string; outstanding: string; outstandingOpen: string };
  terms: Record<keyof VoucherTerms | "status", string>;
  actions: Record<string, string>;
  fields: Record<AdminField, { label: string; rule: string }>;
  problems: Record<AdminProblemCode, string>;
  failed: string;
  noVouchers: string;
  nothingFound: string;
  noCustomers: string;
  noOrders: string;
  signInFailed: string;
  signedOut: string;
  wrongToken: string;
  endedToken: string;
  draftKept: string;
  noRole: string;
  unreachable: string;
  untagged: string;
  days: Plural;
  chart: Plural;
  bar: Plural;
  of: string;
  unlimited: string;
  tiles: {
    redemptions: string;
    granted: string;
    charged: string;
    drawn: string;
    subscriptions: string;
  };
  standing: Record<VoucherStanding, string>;
  qrLabel: string;
}

export interface AdminText {
  shell: AdminShellText;
  script: AdminScriptText;
}
