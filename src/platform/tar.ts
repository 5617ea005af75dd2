const BLOCK = 512;

interface TarOptions {
  /** Permissions of every file. */
  mode: number;
  modifiedAt: Date;
}

/** A tar archive in the ustar format. It has no owners, so equal files with equal options give equal bytes. */
export function tarArchive(files: readonly { path: string; content: string }[], options: TarOptions): Buffer {
  const blocks = files.flatMap(({ path, content }) => {
    const body = Buffer.from(content);
    const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
    return [headerOf(path, body.length, options), body, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function headerOf(path: string, size: number, { mode, modifiedAt }: TarOptions): Buffer {
  if (Buffer.byteLength(path) > 100) throw new Error(`a path in the archive is too long: ${path}`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, offset: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, offset);
  header.write(path, 0);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(Math.floor(modifiedAt.getTime() / 1_000), 136, 12);
  // The checksum is computed with blanks in its own field.
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
