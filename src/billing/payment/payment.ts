import type { Logger } from "../../platform/log.ts";
import { Counter, type Registry } from "../../platform/metrics.ts";
import type { Database } from "../db/database.ts";
import type { CountPlacedOrder } from "../metric.ts";
import type { PaymentConfiguration } from "./configuration.ts";
import { createPaymentEventReceiver, type PaymentEventReceiver } from "./event.ts";
import { createOrderClosing } from "./order-closing.ts";
import { createOrderPayment, type OrderPayment } from "./order-payment.ts";
import { createPaymentProcessor } from "./processor.ts";
import { createSecretBox } from "./secret-box.ts";
import { createPaymentSettingsService, type PaymentSettingsService } from "./settings.ts";
import { createSessionSettlement } from "./settlement.ts";
import { createSweeper, type Sweeper } from "./sweeper.ts";

export interface Payment {
  settings: PaymentSettingsService;
  orders: OrderPayment;
  receiveEvent: PaymentEventReceiver;
  sweeper: Sweeper;
}

/** Assembles card payments: settings, sessions, events and the sweeper. */
export function createPayment(deps: {
  database: Database;
  configuration: PaymentConfiguration;
  sovereignFqdn: string;
  outboxSinks: readonly string[];
  now: () => Date;
  logger: Logger;
  registry: Registry;
  countPlacedOrder: CountPlacedOrder;
}): Payment {
  const { database, configuration, sovereignFqdn, outboxSinks, now, logger, registry, countPlacedOrder } =
    deps;
  const { fixedKeys, settingsKey, currency } = configuration;
  const events = new Counter({
    name: "catalyst_billing_payment_events_total",
    help: "Events received from the payment processor, by type and outcome.",
    labelNames: ["type", "outcome"],
    registers: [registry],
  });
  const settings = createPaymentSettingsService({
    database,
    fixed: fixedKeys,
    box: settingsKey === undefined ? undefined : createSecretBox(settingsKey),
    now,
    logger,
  });
  const processor = createPaymentProcessor(configuration);
  const settlement = createSessionSettlement({
    ...{ database, sovereignFqdn, outboxSinks, currency },
  });
  const closing = createOrderClosing({
    ...{ database, settings, processor, settlement, countPlacedOrder, logger },
  });
  return {
    settings,
    orders: createOrderPayment({
      ...{ database, settings, processor, closing, sovereignFqdn, logger },
      place: configuration,
    }),
    receiveEvent: createPaymentEventReceiver({
      database,
      settings,
      processor,
      settlement,
      currency,
      sovereignFqdn,
      now,
      logger,
      count: (type, outcome) => events.inc({ type, outcome }),
      countPlacedOrder,
    }),
    sweeper: createSweeper({ database, settings, processor, settlement, closing, sovereignFqdn, logger }),
  };
}
