import { createAmountFormat } from "./amount.ts";
import { formatPlural, type Language, type Plural } from "./language.ts";

/** The texts of the redeem page in one language. A phrase that contains the voucher's code is split around it. */
export interface RedeemText {
  /** Whole units of the Sovereign's currency. */
  amount(units: number): string;
  /** The texts before and after the amount, which is shown large. */
  offer: { title(amount: string): string; before: string; after: string };
  codeLabel: string;
  copy: string;
  copied: string;
  signUp: string;
  /** Leads a customer who has an account to sign-in. */
  hasAccount: string;
  signIn: string;
  help: string;
  steps: readonly string[];
  /** The text before the last moment of an offer. */
  validUntil: string;
  /** The text after the amount leads to the first moment. */
  scheduled: { title: string; before: string; after(amount: string): string };
  ended: { title: string; before: string; after(amount: string): string };
  notValid: { title: string; hint: string };
  blank: { title: string; hint: string };
  busy: { title: string; hint(seconds: number): string };
  unavailable: { title: string; hint: string };
  tryAgain: string;
  fieldLabel: string;
  lookUp: string;
  anotherCode: string;
  languageLabel: string;
}

const SECONDS_EN: Plural = { one: "{n} second", other: "{n} seconds" };

const en: Omit<RedeemText, "amount"> = {
  offer: {
    title: (amount) => `${amount} for you`,
    before: "",
    after: "of credit is waiting for you",
  },
  codeLabel: "Your voucher",
  copy: "Copy",
  copied: "Copied",
  signUp: "Sign up and redeem",
  hasAccount: "Already a customer?",
  signIn: "Sign in",
  help: "Help",
  steps: ["Sign up", "Choose a plan", "Your credit pays at checkout"],
  validUntil: "Valid until",
  scheduled: {
    title: "This campaign has not begun",
    before: "The voucher",
    after: (amount) => `for ${amount} can be redeemed from`,
  },
  ended: {
    title: "This campaign has ended",
    before: "The voucher",
    after: (amount) => `for ${amount} takes no more redemptions.`,
  },
  notValid: { title: "This voucher is not valid", hint: "Check the code for typing errors, and try again." },
  blank: { title: "Redeem a voucher", hint: "Enter your voucher code." },
  busy: {
    title: "One moment please",
    hint: (seconds) =>
      `Many vouchers are being looked up from your network. In ${formatPlural("en", seconds, SECONDS_EN)}, this page tries again by itself.`,
  },
  unavailable: {
    title: "One moment please",
    hint: "Vouchers cannot be looked up at the moment. Please try again soon.",
  },
  tryAgain: "Try again",
  fieldLabel: "Voucher code",
  lookUp: "Look it up",
  anotherCode: "Have another code?",
  languageLabel: "Language",
};

// Seconds and amounts are in the genitive or an adverb of time below, so one form per category is enough.
const SECONDS_AR: Plural = {
  one: "ثانية واحدة",
  two: "ثانيتين",
  few: "{n} ثوانٍ",
  other: "{n} ثانية",
};

const ar: Omit<RedeemText, "amount"> = {
  offer: {
    title: (amount) => `رصيد بقيمة ${amount}`,
    before: "رصيد بقيمة",
    after: "في انتظارك",
  },
  codeLabel: "قسيمتك",
  copy: "نسخ",
  copied: "تم النسخ",
  signUp: "سجّل واستخدم القسيمة",
  hasAccount: "هل لديك حساب؟",
  signIn: "سجّل الدخول",
  help: "المساعدة",
  steps: ["سجّل حسابك", "اختر باقتك", "ادفع برصيدك عند إتمام الطلب"],
  validUntil: "صالحة حتى",
  scheduled: {
    title: "لم تبدأ هذه الحملة بعد",
    before: "القسيمة",
    after: (amount) => `بقيمة ${amount} صالحة للاستخدام ابتداءً من`,
  },
  ended: {
    title: "انتهت هذه الحملة",
    before: "القسيمة",
    after: (amount) => `بقيمة ${amount} لم تعد صالحة للاستخدام.`,
  },
  notValid: { title: "هذه القسيمة غير صالحة", hint: "تأكد من كتابة الرمز بشكل صحيح، ثم أعد المحاولة." },
  blank: { title: "استخدم قسيمتك", hint: "أدخل الرمز الذي حصلت عليه." },
  busy: {
    title: "لحظة من فضلك",
    hint: (seconds) =>
      `يجري التحقق من قسائم كثيرة من شبكتك. تنتظر هذه الصفحة ${formatPlural("ar", seconds, SECONDS_AR)} ثم تعيد المحاولة تلقائيًا.`,
  },
  unavailable: {
    title: "لحظة من فضلك",
    hint: "يتعذر التحقق من القسائم الآن. أعد المحاولة بعد قليل.",
  },
  tryAgain: "أعد المحاولة",
  fieldLabel: "رمز القسيمة",
  lookUp: "تحقق من الرمز",
  anotherCode: "هل لديك رمز آخر؟",
  languageLabel: "اللغة",
};

export function createRedeemText(currency: string): Readonly<Record<Language, RedeemText>> {
  return {
    en: { ...en, amount: createAmountFormat("en", currency) },
    ar: { ...ar, amount: createAmountFormat("ar", currency) },
  };
}
