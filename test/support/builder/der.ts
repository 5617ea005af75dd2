/** A value in DER: its tag, its length and its content. */
export function der(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const hex = body.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return Buffer.concat([Buffer.of(tag, 0x80 + length.length), length, body]);
}

/** The members of a value in DER, each with its tag and length. */
export function membersOf(value: Buffer): Buffer[] {
  const { from, to } = contentAt(value, 0);
  const members: Buffer[] = [];
  for (let at = from; at < to; ) {
    const { to: end } = contentAt(value, at);
    members.push(value.subarray(at, end));
    at = end;
  }
  return members;
}

function contentAt(value: Buffer, at: number): { from: number; to: number } {
  const first = value[at + 1] ?? 0;
  const bytes = first < 0x80 ? 0 : first - 0x80;
  const from = at + 2 + bytes;
  return { from, to: from + (bytes === 0 ? first : value.readUIntBE(at + 2, bytes)) };
}

export const sequence = (...members: Uint8Array[]) => der(0x30, ...members);
export const set = (...members: Uint8Array[]) => der(0x31, ...members);
export const octets = (content: Uint8Array) => der(0x04, content);
export const integer = (value: number) => der(0x02, Buffer.of(value));

/** An object identifier, such as `1.2.840.113549.1.7.2`. */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const arc = (value: number): number[] =>
    value < 0x80 ? [value] : [...arc(Math.floor(value / 0x80)).map((byte) => byte | 0x80), value % 0x80];
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(arc)]));
}

/** A time in seconds: `20260102030405Z`. */
export const generalizedTime = (at: Date) =>
  der(0x18, Buffer.from(`${at.toISOString().slice(0, 19).replaceAll(/\D/g, "")}Z`));
