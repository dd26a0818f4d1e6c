const maxLength = 256;

/**
 * An address from a certificate as logs may have it: without credentials and query, which may be secrets,
 * and with nothing in it that a log would take for its own.
 */
export function publishedAddress(text: string): string {
  if (!URL.canParse(text)) return 'an address that is no URL';
  const { protocol, host, pathname } = new URL(text);
  // A URL escapes controls, spaces, quotes and all that is not ASCII by itself.
  const address = `${protocol}//${host}${pathname}`;
  return address.length > maxLength ? `${address.slice(0, maxLength)}\u2026` : address;
}
