import type pg from "pg";
import { Counter, Gauge, type Registry } from "../platform/metrics.ts";

/** Counts an order once, when it is placed: at checkout when credit covers it, otherwise when its payment arrives. */
export type CountPlacedOrder = (hasRedeemed: boolean) => void;

/** `onPlaced` is called for each counted order. */
export function createPlacedOrderCount(registry: Registry, onPlaced?: () => void): CountPlacedOrder {
  const placed = new Counter({
    name: "catalyst_billing_checkouts_total",
    help: "Orders placed, by whether a voucher was redeemed.",
    labelNames: ["voucher"],
    registers: [registry],
  });
  return (hasRedeemed) => {
    placed.inc({ voucher: hasRedeemed ? "redeemed" : "none" });
    onPlaced?.();
  };
}

export function observePool(pool: pg.Pool, registry: Registry): void {
  const gauge = new Gauge({
    name: "catalyst_billing_database_connections",
    help: "Connections in the pool, and requests that wait for a connection.",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      gauge.set({ state: "total" }, pool.totalCount);
      gauge.set({ state: "idle" }, pool.idleCount);
      gauge.set({ state: "waiting" }, pool.waitingCount);
    },
  });
}
