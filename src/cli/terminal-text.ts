/** Untrusted text on one line, without terminal control sequences. */
export const oneLine = (text: string): string => text.replaceAll(/\p{Cc}+/gu, " ");

/** As `oneLine`, but keeps line breaks. */
export const printable = (text: string): string => text.split("\n").map(oneLine).join("\n");
