import type { Certificate } from '../certificate.ts';
import { encode } from '../der-encode.ts';
import { context, tag } from '../der.ts';
import { writeCertId } from './cert-id.ts';

/** The object identifier 1.3.6.1.5.5.7.48.1.2 in DER. */
const nonceOid = Buffer.from('06092b0601050507300102', 'hex');

/**
 * The question to a responder about one certificate: an OCSPRequest in DER (RFC 6960 section 4.1), unsigned.
 *
 * @param issuer whose name and key signed the certificate
 * @param nonce 32 random bytes (RFC 9654 section 2.1) that a fresh response repeats
 */
export function ocspRequest(
  certificate: Certificate,
  issuer: Certificate,
  nonce?: Uint8Array,
): Buffer {
  const { sequence } = tag;
  const requests = encode(sequence, encode(sequence, writeCertId(certificate, issuer)));
  return encode(
    sequence,
    nonce === undefined
      ? encode(sequence, requests)
      : encode(
          sequence,
          requests,
          encode(context(2, true), encode(sequence, nonceExtension(nonce))),
        ),
  );
}

function nonceExtension(nonce: Uint8Array): Buffer {
  const value = encode(tag.octetString, nonce);
  return encode(tag.sequence, nonceOid, encode(tag.octetString, value));
}
