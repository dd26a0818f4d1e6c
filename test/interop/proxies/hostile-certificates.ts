// Certificates that are good, and awkward to hand over.
import { authority } from '../../support/pki.ts';
import type { DistinguishedName } from '../../../src/pki/names.ts';
import type { TestCertificate } from '../../../src/pki/testing.ts';

const names: Readonly<Record<string, DistinguishedName>> = {
  'commas, quotes, semicolons, equals signs and backslashes': [
    { type: 'O', value: 'Example, "Inc."; CN=admin' },
    { type: 'OU', value: '\\,\\"\\;\\\\=+<>#' },
    { type: 'CN', value: ' #a,CN=bob.example/CN=bob.example;Subject="CN=bob.example"' },
  ],
  'what looks like line ends, escapes and armour': [
    { type: 'O', value: '\\0d\\0ax-ssl-client-cert: a%0D%0AX-Ssl-Client-Cert:%20b' },
    { type: 'CN', value: '-----END CERTIFICATE----- %{SSL_CLIENT_CERT}s $host {http.request.uri}' },
  ],
  'line ends': [{ type: 'CN', value: 'a\r\nx-ssl-client-verify: SUCCESS\r\n\r\nb' }],
  'letters that are not ASCII': [
    { type: 'O', value: 'Zo\u00eb \u202ecod.exe' },
    { type: 'CN', value: '\u0391\u043b\u0438\u0441\u0430 \u{1f511}' },
  ],
  'UTF-16': [{ type: 'CN', value: 'Zo\u00eb \u0d0a', as: 'bmp' }],
};

export const hostile: readonly (readonly [what: string, certificate: TestCertificate])[] = [
  ['an RSA key', authority.issue({ dnsNames: ['rsa.example'], keyType: 'rsa-2048' })],
  ['a P-384 key', authority.issue({ dnsNames: ['p384.example'], keyType: 'ec-p384' })],
  ...Object.entries(names).map(
    ([what, subject]) =>
      [`${what} in its name`, authority.issue({ subject, dnsNames: [] })] as const,
  ),
  [
    'two hundred names and 8192 characters of base64',
    authority.issue({
      dnsNames: Array.from({ length: 200 }, (_, i) => `name-number-${i}.of.many.example`),
    }),
  ],
];

/** A leaf three CAs below the root, and those in between. */
export const deep: TestCertificate = authority
  .intermediate()
  .intermediate()
  .intermediate()
  .issue({ dnsNames: ['deep.example'], usage: 'clientAuth' });

/** The certificates between a leaf and its root, nearest first. */
export function above({ cert }: TestCertificate): string {
  return cert.slice(cert.indexOf('-----BEGIN', 1));
}
