import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";

/** RFC 6455: the key of a handshake is answered with its hash. */
const HANDSHAKE_ID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** A client sends what it reads from a connection, and no whole files. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

export interface WebSocketConnection {
  send(message: Uint8Array): void;
  /** Sends what was written, says that the connection ends, and ends it. */
  close(): void;
}

/** The lines that accept a handshake with this key and subprotocol. */
export const handshakeOf = (key: string, protocol: string): string =>
  [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${createHash("sha1").update(`${key}${HANDSHAKE_ID}`).digest("base64")}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
    "",
    "",
  ].join("\r\n");

/** The server's side of a connection after its handshake. A message that breaks the protocol ends it. */
export function serveWebSocket(
  socket: Duplex,
  on: { message(data: Buffer): void; close(): void },
): WebSocketConnection {
  let buffered = Buffer.alloc(0);
  let parts: Buffer[] = [];

  function handle(opcode: number, isLast: boolean, payload: Buffer): void {
    if (opcode === OPCODE.close) {
      socket.end(frame(OPCODE.close, payload));
      return;
    }
    if (opcode === OPCODE.ping) socket.write(frame(OPCODE.pong, payload));
    if (opcode > OPCODE.binary) return;
    parts.push(payload);
    if (!isLast) return;
    const message = Buffer.concat(parts);
    parts = [];
    on.message(message);
  }

  socket.on("data", (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (;;) {
      const read = readFrame(buffered);
      if (read === "broken") return void socket.destroy();
      if (read === undefined) return;
      buffered = buffered.subarray(read.length);
      handle(read.opcode, read.isLast, read.payload);
    }
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => on.close());

  return {
    send: (message) => void socket.write(frame(OPCODE.binary, message)),
    close: () => void socket.end(frame(OPCODE.close, Buffer.from([3, 232]))),
  };
}

/** A client's frame; undefined: the bytes end before the frame does. A client masks each frame. */
function readFrame(
  bytes: Buffer,
): { opcode: number; isLast: boolean; payload: Buffer; length: number } | "broken" | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  if ((second & 0x80) === 0) return "broken";
  const short = second & 0x7f;
  const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
  if (bytes.length < start + 4) return undefined;
  const size =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (size > MAX_FRAME_BYTES) return "broken";
  const length = start + 4 + size;
  if (bytes.length < length) return undefined;
  const mask = bytes.subarray(start, start + 4);
  const payload = Buffer.from(bytes.subarray(start + 4, length));
  for (let index = 0; index < payload.length; index += 1)
    payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
  return { opcode: first & 0x0f, isLast: (first & 0x80) !== 0, payload, length };
}

/** A server's frame: one for each message, and not masked. */
function frame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = length;
  else if (length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}
