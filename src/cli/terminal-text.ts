/** Text from elsewhere on one line, without the control sequences of a terminal. */
export const oneLine = (text: string): string => text.replaceAll(/\p{Cc}+/gu, " ");

/** As `oneLine`, but line breaks stay. */
export const printable = (text: string): string => text.split("\n").map(oneLine).join("\n");
