for (const time of document.querySelectorAll("time")) {
  /** @type {Intl.DateTimeFormatOptions} */
  const shown = { dateStyle: "long", timeStyle: "short" };
  time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, shown);
}
/** @type {HTMLElement | null} */
const voucher = document.querySelector("[data-voucher]");
const code = voucher?.dataset.voucher;
if (code !== undefined) {
  try {
    localStorage.setItem("sme-pending-voucher", code);
  } catch {
    // Storage may be switched off. The link to sign-up carries the code too.
  }
  /** @type {HTMLElement | null} */
  const copy = document.querySelector("[data-copied]");
  if (copy !== null && navigator.clipboard !== undefined) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code);
      copy.textContent = copy.dataset.copied ?? "";
    });
  }
}
/** @type {HTMLElement | null} */
const waiting = document.querySelector("[data-retry]");
if (waiting !== null) {
  const reload = () => location.reload();
  setTimeout(() => {
    // A hidden page would use up a lookup of the others behind its address.
    if (document.visibilityState === "visible") reload();
    else document.addEventListener("visibilitychange", reload, { once: true });
  }, Number(waiting.dataset.retry) * 1000);
}
