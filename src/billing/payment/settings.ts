import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import type { Database } from "../db/database.ts";
import { PaymentError, RequestError } from "../errors.ts";
import { foreignKeyRule } from "./key-kind.ts";
import { isSealed, type SecretBox } from "./secret-box.ts";

/** The payment processor's keys. */
export interface PaymentKeys {
  secretKey: string;
  webhookSecret: string;
  publicKey: string;
}

/** The keys as administrators may see them, without the secrets. */
interface PaymentSettingsView {
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
  /** Members that are absent or empty do not change. Throws `settings_fixed`, `settings_key_missing`. */
  change(settings: PaymentSettingsChange): Promise<PaymentSettingsView>;
  /** The keys as they were at most 1 s ago. A key that is not set is empty. */
  keys(): Promise<PaymentKeys>;
}

interface Row {
  stripe_secret_key: string;
  stripe_webhook_secret: string;
  stripe_public_key: string;
  updated_at: Date | null;
}

const FRESH_MS = 1_000;
const NO_ROW: Row = {
  stripe_secret_key: "",
  stripe_webhook_secret: "",
  stripe_public_key: "",
  updated_at: null,
};

/**
 * If the deployment has any keys (`payments.secretRef`), only these are used. Otherwise the keys are those of the settings
 * row, whose secrets are encrypted. Secrets that the earlier service stored there in clear are used too, and are encrypted
 * when they are first read.
 */
export function createPaymentSettingsService(deps: {
  database: Database;
  fixed: PaymentKeys | undefined;
  /** Absent: secrets cannot be stored, and encrypted secrets cannot be read. */
  box: SecretBox | undefined;
  now: () => Date;
  logger: Logger;
}): PaymentSettingsService {
  const { database, fixed, box, now, logger } = deps;
  let known: { keys: Promise<PaymentKeys>; untilMs: number } | undefined;

  async function readRow(): Promise<Row> {
    const [row = NO_ROW] = await database.query<Row>({
      name: "settings-read",
      text: `SELECT coalesce(stripe_secret_key, '') AS stripe_secret_key, coalesce(stripe_webhook_secret, '') AS stripe_webhook_secret,
                    coalesce(stripe_public_key, '') AS stripe_public_key, updated_at FROM settings WHERE id = 1`,
    });
    return row;
  }

  function open(name: string, text: string): string {
    if (!isSealed(text)) return text;
    try {
      if (box === undefined) throw new Error("no encryption key is configured");
      return box.open(text);
    } catch (error) {
      logger.error(
        { setting: name, reason: errorMessage(error) },
        "a stored secret cannot be decrypted: set it again",
      );
      return "";
    }
  }

  const keysOf = (row: Row): PaymentKeys => ({
    secretKey: open("stripe_secret_key", row.stripe_secret_key),
    webhookSecret: open("stripe_webhook_secret", row.stripe_webhook_secret),
    publicKey: row.stripe_public_key,
  });

  async function load(): Promise<PaymentKeys> {
    const row = await readRow();
    const keys = keysOf(row);
    const isClear = [row.stripe_secret_key, row.stripe_webhook_secret].some(
      (text) => text !== "" && !isSealed(text),
    );
    if (isClear && box !== undefined) await seal(row, box);
    return keys;
  }

  /** Replaces only the values that were read, so that a change in between is kept. */
  async function seal(row: Row, secretBox: SecretBox): Promise<void> {
    const sealed = (text: string) => (text === "" || isSealed(text) ? text : secretBox.seal(text));
    await database.query({
      name: "settings-seal",
      text: `UPDATE settings SET stripe_secret_key = $3, stripe_webhook_secret = $4
              WHERE id = 1 AND coalesce(stripe_secret_key, '') = $1 AND coalesce(stripe_webhook_secret, '') = $2`,
      values: [
        row.stripe_secret_key,
        row.stripe_webhook_secret,
        sealed(row.stripe_secret_key),
        sealed(row.stripe_webhook_secret),
      ],
    });
  }

  async function read(): Promise<PaymentSettingsView> {
    const row = fixed === undefined ? await readRow() : NO_ROW;
    const { secretKey, webhookSecret, publicKey } = fixed ?? keysOf(row);
    return {
      stripe_secret_key_configured: secretKey !== "",
      stripe_secret_key_last4: lastFour(secretKey),
      stripe_webhook_secret_configured: webhookSecret !== "",
      stripe_webhook_secret_last4: lastFour(webhookSecret),
      stripe_public_key: publicKey,
      updated_at: row.updated_at?.toISOString() ?? null,
    };
  }

  return {
    read,
    async change(settings) {
      const { stripe_secret_key = "", stripe_webhook_secret = "", stripe_public_key = "" } = settings;
      requireOwnKinds(settings);
      if (fixed !== undefined) {
        throw new PaymentError(
          "settings_fixed",
          "the payment keys come from the Sovereign's payments.secretRef: change that Secret",
        );
      }
      if (box === undefined && stripe_secret_key + stripe_webhook_secret !== "") {
        throw new PaymentError(
          "settings_key_missing",
          "secrets are stored encrypted, and no encryption key is configured: set SETTINGS_KEY, or give the keys by payments.secretRef",
        );
      }
      const sealed = (text: string) => (text === "" ? "" : (box?.seal(text) ?? ""));
      await database.query({
        name: "settings-change",
        text: `INSERT INTO settings AS s (id, stripe_secret_key, stripe_webhook_secret, stripe_public_key) VALUES (1, $1, $2, $3)
               ON CONFLICT (id) DO UPDATE SET updated_at = now(),
                 stripe_secret_key = coalesce(nullif($1, ''), s.stripe_secret_key),
                 stripe_webhook_secret = coalesce(nullif($2, ''), s.stripe_webhook_secret),
                 stripe_public_key = coalesce(nullif($3, ''), s.stripe_public_key)`,
        values: [sealed(stripe_secret_key), sealed(stripe_webhook_secret), stripe_public_key],
      });
      known = undefined;
      return read();
    },
    keys() {
      if (fixed !== undefined) return Promise.resolve(fixed);
      if (known !== undefined && known.untilMs > now().getTime()) return known.keys;
      const keys = load();
      const flight = { keys, untilMs: now().getTime() + FRESH_MS };
      known = flight;
      // A failure is not kept.
      keys.catch(() => {
        if (known === flight) known = undefined;
      });
      return keys;
    },
  };
}

/** Throws `request_invalid` for a key in another key's place. */
function requireOwnKinds(settings: PaymentSettingsChange): void {
  for (const name of ["stripe_secret_key", "stripe_webhook_secret", "stripe_public_key"] as const) {
    const rule = foreignKeyRule(name, settings[name] ?? "");
    if (rule !== undefined)
      throw new RequestError("request_invalid", `${name} ${rule}`, { fields: [{ field: `/${name}`, rule }] });
  }
}

const lastFour = (secret: string): string => (secret.length > 8 ? secret.slice(-4) : "");
