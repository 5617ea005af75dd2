/**
 * What a JSON text says, parsed when it has changed and not at each use: the same text gives the same value, so whoever
 * keeps something made from it can tell. `absent` stands in for a text that is not there.
 */
export function rememberText<T>(
  read: () => string | undefined,
  parse: (json: unknown) => T,
  absent: object = {},
): () => T {
  let known: { text: string | undefined; value: T } | undefined;
  return () => {
    const text = read();
    if (known === undefined || known.text !== text)
      known = { text, value: parse(text === undefined ? absent : JSON.parse(text)) };
    return known.value;
  };
}
