import type { Database } from "./db/database.ts";

/** The payment processor's keys, as administrators may see them: never the secrets themselves. */
export interface PaymentSettingsView {
  stripe_secret_key_configured: boolean;
  stripe_secret_key_last4: string;
  stripe_webhook_secret_configured: boolean;
  stripe_webhook_secret_last4: string;
  stripe_public_key: string;
  updated_at: string | null;
}

export interface PaymentSettingsChange {
  stripe_secret_key?: string;
  stripe_webhook_secret?: string;
  stripe_public_key?: string;
}

export interface PaymentSettingsService {
  read(): Promise<PaymentSettingsView>;
  /** Members that are absent or empty stay as they are. */
  change(settings: PaymentSettingsChange): Promise<PaymentSettingsView>;
  webhookSecret(): Promise<string | undefined>;
}

const VIEW = `coalesce(stripe_secret_key, '') <> '' AS stripe_secret_key_configured,
  CASE WHEN length(stripe_secret_key) > 8 THEN right(stripe_secret_key, 4) ELSE '' END AS stripe_secret_key_last4,
  coalesce(stripe_webhook_secret, '') <> '' AS stripe_webhook_secret_configured,
  CASE WHEN length(stripe_webhook_secret) > 8 THEN right(stripe_webhook_secret, 4) ELSE '' END AS stripe_webhook_secret_last4,
  coalesce(stripe_public_key, '') AS stripe_public_key, updated_at`;

export function createPaymentSettingsService(deps: { database: Database }): PaymentSettingsService {
  const { database } = deps;

  async function read(): Promise<PaymentSettingsView> {
    const [row] = await database.query<PaymentSettingsView>({
      name: "settings-read",
      text: `SELECT ${VIEW} FROM settings WHERE id = 1`,
    });
    return (
      row ?? {
        stripe_secret_key_configured: false,
        stripe_secret_key_last4: "",
        stripe_webhook_secret_configured: false,
        stripe_webhook_secret_last4: "",
        stripe_public_key: "",
        updated_at: null,
      }
    );
  }

  return {
    read,
    async change(settings) {
      await database.query({
        name: "settings-change",
        text: `INSERT INTO settings AS s (id, stripe_secret_key, stripe_webhook_secret, stripe_public_key) VALUES (1, $1, $2, $3)
               ON CONFLICT (id) DO UPDATE SET updated_at = now(),
                 stripe_secret_key = coalesce(nullif($1, ''), s.stripe_secret_key),
                 stripe_webhook_secret = coalesce(nullif($2, ''), s.stripe_webhook_secret),
                 stripe_public_key = coalesce(nullif($3, ''), s.stripe_public_key)`,
        values: [
          settings.stripe_secret_key ?? "",
          settings.stripe_webhook_secret ?? "",
          settings.stripe_public_key ?? "",
        ],
      });
      return read();
    },
    async webhookSecret() {
      const [row] = await database.query<{ secret: string | null }>({
        name: "settings-webhook-secret",
        text: "SELECT stripe_webhook_secret AS secret FROM settings WHERE id = 1",
      });
      return row?.secret || undefined;
    },
  };
}
