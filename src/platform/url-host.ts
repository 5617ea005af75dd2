/** An address as the host of a URL, which has an IPv6 address in brackets. */
export const urlHost = (address: string): string => (address.includes(":") ? `[${address}]` : address);
