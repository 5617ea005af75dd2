/** Parses `1h30m`, `15m` or `90s`. The schema refuses other text. */
export function parseDurationMs(text: string): number {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  const [, hours = "0", minutes = "0", seconds = "0"] = match ?? [];
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}
