import type { VoucherStanding } from "../../voucher/voucher.ts";
import type { Language, Plural } from "./language.ts";

/** What the administrators' page says before its script runs. */
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
  placed: string;
  amount: string;
  issueTitle: string;
  issueHint: string;
  creditOmr: string;
  description: string;
  cap: string;
  capHint: string;
  startsAt: string;
  expiresAt: string;
  codeOptional: string;
  codeHint: string;
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

/** What its script says. */
interface AdminScriptText {
  copyLink: string;
  qrCode: string;
  revoke: string;
  copied: string;
  issued: string;
  revoked: string;
  noVouchers: string;
  nothingFound: string;
  noCustomers: string;
  noOrders: string;
  superadminOnly: string;
  signInFailed: string;
  signedOut: string;
  noRole: string;
  unreachable: string;
  days: Plural;
  chart: Plural;
  of: string;
  unlimited: string;
  tiles: {
    redemptions: string;
    granted: string;
    vouchers: string;
    charged: string;
    drawn: string;
    subscriptions: string;
    customers: string;
  };
  standing: Record<VoucherStanding, string>;
  qrLabel: string;
}

export interface AdminText {
  shell: AdminShellText;
  script: AdminScriptText;
}

const en: AdminText = {
  shell: {
    title: "Vouchers",
    intro: "Sign in to issue vouchers and to see how they are redeemed.",
    signInWith: "Sign in with your account",
    or: "or with a token",
    tokenLabel: "Access token",
    tokenHint: "The token is kept in this tab, until the tab is closed.",
    signIn: "Sign in",
    signOut: "Sign out",
    noScript: "This page requires JavaScript. The API that /openapi.json describes does not.",
    language: "Language",
    redemptions: "Redemptions",
    redemptionsHint: "Days are in UTC.",
    redemptionsByDay: "Redemptions by day",
    period: "Period",
    showTable: "Show as a table",
    vouchers: "Vouchers",
    search: "Search code or description",
    issue: "Issue a voucher",
    code: "Voucher",
    credit: "Credit",
    redeemed: "Redeemed",
    status: "Status",
    actions: "Actions",
    more: "Show more",
    balances: "Balances",
    customer: "Customer",
    balance: "Balance",
    orders: "Orders",
    order: "Order",
    placed: "Placed",
    amount: "Amount",
    issueTitle: "Issue a voucher",
    issueHint: "If a voucher has this code already, it gets these terms.",
    creditOmr: "Credit in {currency}",
    description: "Description",
    cap: "Maximum redemptions",
    capHint: "0 = no limit",
    startsAt: "Valid from",
    expiresAt: "Valid until",
    codeOptional: "Code",
    codeHint: "Leave it empty to get a random code.",
    cancel: "Cancel",
    close: "Close",
    linkTitle: "Redeem link",
    copyLink: "Copy link",
    revokeTitle: "Revoke this voucher?",
    revokeHint: "The voucher can no longer be redeemed. Customers keep the credit that it granted.",
    revoke: "Revoke",
    day: "Day",
    granted: "Credit granted",
  },
  script: {
    copyLink: "Copy link",
    qrCode: "QR code",
    revoke: "Revoke",
    copied: "The link is copied.",
    issued: "{code} is issued.",
    revoked: "{code} is revoked.",
    noVouchers: "No vouchers yet. Issue the first one.",
    nothingFound: "No voucher matches.",
    noCustomers: "No customers yet.",
    noOrders: "No orders yet.",
    superadminOnly: "Only a superadmin may see this.",
    signInFailed: "Sign-in failed: {reason}",
    signedOut: "Your session has ended. Sign in again.",
    noRole: "This account is not an administrator of this Sovereign.",
    unreachable: "The service cannot be reached. Try again in a moment.",
    days: { one: "{n} day", other: "{n} days" },
    chart: {
      one: "{n} redemption in the last {days}",
      other: "{n} redemptions in the last {days}",
    },
    of: "{n} of {max}",
    unlimited: "{n}, no limit",
    tiles: {
      redemptions: "Redemptions in the last {days}",
      granted: "Credit granted in the last {days}",
      vouchers: "Vouchers shown",
      charged: "Charged by card this month",
      drawn: "Drawn from credit this month",
      subscriptions: "Active subscriptions",
      customers: "Customers",
    },
    standing: {
      live: "Live",
      scheduled: "Scheduled",
      paused: "Paused",
      used_up: "Used up",
      expired: "Expired",
      revoked: "Revoked",
    },
    qrLabel: "QR code of the redeem link for {code}",
  },
};

const ar: AdminText = {
  shell: {
    title: "القسائم",
    intro: "سجّل الدخول لإصدار القسائم ومتابعة استخدامها.",
    signInWith: "تسجيل الدخول بحسابك",
    or: "أو باستخدام رمز وصول",
    tokenLabel: "رمز الوصول",
    tokenHint: "يبقى الرمز في علامة التبويب هذه ويُحذف عند إغلاقها.",
    signIn: "تسجيل الدخول",
    signOut: "تسجيل الخروج",
    noScript:
      "تحتاج هذه الصفحة إلى JavaScript. أما الواجهة البرمجية الموصوفة في ‎/openapi.json فلا تحتاج إليه.",
    language: "اللغة",
    redemptions: "عمليات الاستخدام",
    redemptionsHint: "الأيام بالتوقيت العالمي المنسق.",
    redemptionsByDay: "عمليات الاستخدام حسب اليوم",
    period: "الفترة",
    showTable: "عرض في جدول",
    vouchers: "القسائم",
    search: "ابحث بالرمز أو الوصف",
    issue: "إصدار قسيمة",
    code: "القسيمة",
    credit: "الرصيد",
    redeemed: "مرات الاستخدام",
    status: "الحالة",
    actions: "الإجراءات",
    more: "عرض المزيد",
    balances: "الأرصدة",
    customer: "العميل",
    balance: "الرصيد",
    orders: "الطلبات",
    order: "الطلب",
    placed: "التاريخ",
    amount: "المبلغ",
    issueTitle: "إصدار قسيمة",
    issueHint: "إذا كان الرمز موجودًا من قبل فستُطبَّق عليه هذه الشروط.",
    creditOmr: "الرصيد ({currency})",
    description: "الوصف",
    cap: "الحد الأقصى لمرات الاستخدام",
    capHint: "٠ = بلا حد",
    startsAt: "صالحة من",
    expiresAt: "صالحة حتى",
    codeOptional: "الرمز",
    codeHint: "إذا تُرك فارغًا فسيُنشأ رمز تلقائيًا.",
    cancel: "إلغاء",
    close: "إغلاق",
    linkTitle: "رابط الاستخدام",
    copyLink: "نسخ الرابط",
    revokeTitle: "هل تريد إلغاء هذه القسيمة؟",
    revokeHint: "لن يتمكن أحد من استخدامها بعد الآن. أما الرصيد الذي مُنح من قبل فيبقى لأصحابه.",
    revoke: "إلغاء القسيمة",
    day: "اليوم",
    granted: "الرصيد الممنوح",
  },
  script: {
    copyLink: "نسخ الرابط",
    qrCode: "رمز QR",
    revoke: "إلغاء القسيمة",
    copied: "تم نسخ الرابط.",
    issued: "صدرت القسيمة {code}.",
    revoked: "أُلغيت القسيمة {code}.",
    noVouchers: "لا توجد قسائم بعد. أصدر القسيمة الأولى.",
    nothingFound: "لا توجد قسيمة مطابقة.",
    noCustomers: "لا يوجد عملاء بعد.",
    noOrders: "لا توجد طلبات بعد.",
    superadminOnly: "هذه البيانات متاحة للمشرف العام فقط.",
    signInFailed: "تعذر تسجيل الدخول: {reason}",
    signedOut: "انتهت جلستك. سجّل الدخول من جديد.",
    noRole: "لا يملك هذا الحساب صلاحية إدارة القسائم هنا.",
    unreachable: "يتعذر الوصول إلى الخدمة. أعد المحاولة بعد قليل.",
    // In the genitive, as every sentence below uses it.
    days: { one: "يوم واحد", two: "يومين", few: "{n} أيام", many: "{n} يومًا", other: "{n} يوم" },
    chart: {
      zero: "لا عمليات استخدام خلال آخر {days}",
      one: "عملية استخدام واحدة خلال آخر {days}",
      two: "عمليتا استخدام خلال آخر {days}",
      few: "{n} عمليات استخدام خلال آخر {days}",
      many: "{n} عملية استخدام خلال آخر {days}",
      other: "{n} عملية استخدام خلال آخر {days}",
    },
    of: "{n} من {max}",
    unlimited: "{n}، بلا حد",
    tiles: {
      redemptions: "عمليات الاستخدام خلال آخر {days}",
      granted: "الرصيد الممنوح خلال آخر {days}",
      vouchers: "القسائم المعروضة",
      charged: "المدفوع بالبطاقة هذا الشهر",
      drawn: "المدفوع من الرصيد هذا الشهر",
      subscriptions: "الاشتراكات النشطة",
      customers: "العملاء",
    },
    standing: {
      live: "سارية",
      scheduled: "مجدولة",
      paused: "موقوفة مؤقتًا",
      used_up: "استُنفدت",
      expired: "منتهية الصلاحية",
      revoked: "ملغاة",
    },
    qrLabel: "رمز QR لرابط استخدام القسيمة {code}",
  },
};

export const ADMIN_TEXT: Readonly<Record<Language, AdminText>> = { en, ar };
