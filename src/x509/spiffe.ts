// SPIFFE IDs (SPIFFE-ID sections 2.1 to 2.3) and what a certificate that carries one must be
// (X509-SVID sections 2, 4 and 5.2).
import { AuthError, quote } from '../errors.ts';
import type { Certificate } from './certificate.ts';

export interface SpiffeId {
  /** `bank.example` */
  readonly trustDomain: string;
  /** `/payments/teller`; empty for the trust domain itself. */
  readonly path: string;
}

/** The parts of a SPIFFE ID, or undefined where the text is none: no case folding, no decoding. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  const match = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)*)$/.exec(text);
  if (match === null || text.length > 2048) return undefined;
  const [, trustDomain = '', path = ''] = match;
  return /\/\.\.?(?:\/|$)/.test(path) ? undefined : { trustDomain, path };
}

/**
 * The SPIFFE ID of a leaf; undefined where it claims none.
 *
 * @throws AuthError `ERR_CERTIFICATE_NAME` for a claim that breaks a rule: a second URI, an ID that is
 * none or names a whole trust domain. `ERR_CERTIFICATE_USAGE` for a leaf that could sign others.
 */
export function spiffeIdOf({ names, basicConstraints, keyUsage }: Certificate): string | undefined {
  const { uris } = names;
  const id = uris.find((uri) => /^spiffe:/i.test(uri));
  if (id === undefined) return undefined;
  if (uris.length > 1) throw refused('names a second URI beside its SPIFFE ID');
  const parsed = parseSpiffeId(id);
  if (parsed === undefined) throw refused(`carries ${quote(id)}, which is no SPIFFE ID`);
  if (parsed.path === '')
    throw refused(`names the trust domain ${quote(id)}, not a workload in it`);
  if (basicConstraints?.ca === true || keyUsage?.has('keyCertSign') || keyUsage?.has('cRLSign')) {
    throw new AuthError(
      'ERR_CERTIFICATE_USAGE',
      'an X.509-SVID leaf must not be able to sign others',
    );
  }
  if (!keyUsage?.has('digitalSignature')) {
    throw new AuthError('ERR_CERTIFICATE_USAGE', 'an X.509-SVID leaf must say digitalSignature');
  }
  return id;
}

function refused(what: string): AuthError {
  return new AuthError('ERR_CERTIFICATE_NAME', `the certificate ${what}`);
}
