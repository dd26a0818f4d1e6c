// A certificate as proxies write it, for each decoder of src/proxies/decoders.
import { createHash } from 'node:crypto';
import { pem } from '../../pki/pem.ts';

export interface Encoding {
  readonly name: string;
  /** The value of a field that holds this one certificate. */
  encode(der: Uint8Array): string;
}

export const rfc9440: Encoding = { name: 'rfc9440', encode: (der) => `:${base64(der)}:` };
export const pemUrl: Encoding = { name: 'pem-url', encode: escapedPem };
export const derBase64: Encoding = { name: 'der-base64', encode: base64 };
export const xfcc: Encoding = {
  name: 'xfcc',
  encode(der) {
    const hash = createHash('sha256').update(der).digest('hex');
    return `Hash=${hash};Cert="${escapedPem(der)}"`;
  },
};

export const encodings: readonly Encoding[] = [rfc9440, pemUrl, derBase64, xfcc];

function base64(der: Uint8Array): string {
  return Buffer.from(der).toString('base64');
}

function escapedPem(der: Uint8Array): string {
  return encodeURIComponent(pem('CERTIFICATE', der));
}
