/** A kind of request to both sides, under given conditions. */
export interface Scenario {
  /** A short name, which is also the key of the results. */
  name: string;
  request: "checkout" | "preview-hit" | "preview-miss";
  /** The time that a round trip to the database takes beyond loopback. */
  roundTripMs: number;
  codes: "hot" | "many";
  ledgerRows: number;
  /** The number of requests under way at the same time. */
  clients: number;
  /** Whether the earlier side is also called over HTTP. Absent: only its statements run. */
  isEarlierOverHttp?: boolean;
  /** Requests are sent at this rate. Absent: each client sends its next request after the last answer. */
  perSecond?: number;
}

export interface Plan {
  rounds: number;
  /** Duration of each measurement of each side. */
  measureMs: number;
  /** Rows in the larger ledger. */
  ledgerRows: number;
  scenarios: Scenario[];
}

const CLIENTS = 64;
export const ROUND_TRIP_MS = 0.5;
/** The rate at which a preview must keep its latency bar. */
export const PREVIEWS_PER_SECOND = 5_000;

const placeName = (roundTripMs: number) => (roundTripMs === 0 ? "loopback" : `${roundTripMs} ms`);

export const checkoutName = (roundTripMs: number, codes: Scenario["codes"], isLarge: boolean) =>
  `checkout, ${codes === "hot" ? "hot code" : "1,000 codes"}, ${placeName(roundTripMs)}, ${isLarge ? "large" : "empty"} ledger`;
export const previewName = (roundTripMs: number, isHit: boolean) =>
  `preview, ${isHit ? "hit" : "miss"}, ${placeName(roundTripMs)}`;
export const HTTP_PREVIEW = `${previewName(0, true)}, both over HTTP`;
export const PACED_PREVIEW = `${previewName(0, true)}, at 5,000/s`;

export function createPlan(options: { isQuick: boolean; rounds?: number; only?: string }): Plan {
  const { isQuick } = options;
  const ledgerRows = isQuick ? 10_000 : 1_000_000;
  const scenarios: Scenario[] = [];
  for (const roundTripMs of [0, ROUND_TRIP_MS]) {
    for (const codes of ["hot", "many"] as const) {
      for (const rows of [0, ledgerRows]) {
        scenarios.push({
          name: checkoutName(roundTripMs, codes, rows > 0),
          request: "checkout",
          roundTripMs,
          codes,
          ledgerRows: rows,
          clients: CLIENTS,
        });
      }
    }
    scenarios.push({
      name: `checkout, one client, ${placeName(roundTripMs)}`,
      request: "checkout",
      roundTripMs,
      codes: "hot",
      ledgerRows: 0,
      clients: 1,
    });
    for (const request of ["preview-hit", "preview-miss"] as const) {
      scenarios.push({
        name: previewName(roundTripMs, request === "preview-hit"),
        request,
        roundTripMs,
        codes: "hot",
        ledgerRows: 0,
        clients: CLIENTS,
      });
    }
  }
  scenarios.push({
    name: HTTP_PREVIEW,
    request: "preview-hit",
    roundTripMs: 0,
    codes: "hot",
    ledgerRows: 0,
    clients: CLIENTS,
    isEarlierOverHttp: true,
  });
  scenarios.push({
    name: PACED_PREVIEW,
    request: "preview-hit",
    roundTripMs: 0,
    codes: "hot",
    ledgerRows: 0,
    clients: CLIENTS,
    isEarlierOverHttp: true,
    perSecond: PREVIEWS_PER_SECOND,
  });
  return {
    rounds: options.rounds ?? (isQuick ? 1 : 5),
    measureMs: isQuick ? 150 : 1_500,
    ledgerRows,
    scenarios: scenarios.filter(({ name }) => name.includes(options.only ?? "")),
  };
}
