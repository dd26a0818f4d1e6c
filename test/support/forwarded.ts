// How proxies write a certificate in one line.

export function derBase64(der: Uint8Array): string {
  return Buffer.from(der).toString('base64');
}

export function rfc9440(der: Uint8Array): string {
  return `:${derBase64(der)}:`;
}

export function pem(der: Uint8Array): string {
  const lines = derBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** As nginx escapes: everything but unreserved characters (RFC 3986 section 2.3). */
export function pemUrl(der: Uint8Array): string {
  return pem(der).replace(
    /[^A-Za-z0-9._~-]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** As Apache writes it: a space for each line end. */
export function pemSpaces(der: Uint8Array): string {
  return pem(der).replaceAll('\n', ' ');
}
