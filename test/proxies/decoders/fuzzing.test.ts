// Any text whatever: certificates, or the one refusal, in bounded work.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  decodeDer,
  decodeEscapedDer,
  decodeJoinedDer,
} from '../../../src/proxies/decoders/der-base64.ts';
import { decodePem } from '../../../src/proxies/decoders/pem-url.ts';
import { decodeClientCert, decodeClientCertChain } from '../../../src/proxies/decoders/rfc9440.ts';
import { xfccCertificates } from '../../../src/proxies/decoders/xfcc.ts';
import { authError } from '../../support/errors.ts';
import { derBase64, pemSpaces, pemUrl, rfc9440 } from '../../support/forwarded.ts';

const der = Uint8Array.from({ length: 120 }, (_, i) => (i * 41 + 48) & 0xff);
const sequence = Uint8Array.of(0x30, 2, 5, 0);
const hash = createHash('sha256').update(der).digest('hex');
const decodeXfcc = (value: string): readonly Uint8Array[] => xfccCertificates(value, 1, undefined);

const decoders = {
  decodeClientCert: [decodeClientCert, rfc9440(der)],
  decodeClientCertChain: [decodeClientCertChain, `${rfc9440(der)}, ${rfc9440(der)}`],
  decodePem: [decodePem, pemUrl(der)],
  'decodePem of Apache': [decodePem, pemSpaces(der)],
  decodeDer: [decodeDer, derBase64(der)],
  decodeEscapedDer: [decodeEscapedDer, encodeURIComponent(derBase64(der))],
  decodeJoinedDer: [decodeJoinedDer, derBase64(Buffer.concat([sequence, sequence]))],
  decodeXfcc: [
    decodeXfcc,
    `By=spiffe://a/b;Hash=${hash};Cert="${pemUrl(der)}";Subject="O=\\"A\\""`,
  ],
} as const;

const refusal = authError('ERR_CERTIFICATE_MALFORMED');

for (const [name, [decode, good]] of Object.entries(decoders)) {
  describe(name, () => {
    it('reads the good value that the others are made from', () => {
      assert.ok(decode(good).length > 0);
    });

    it('answers any text with certificates or the one refusal', () => {
      fc.assert(fc.property(fc.string({ unit: 'binary' }), answers));
      const grammar = fc.constantFrom(...':,;="\\% \t-+/0AZaBy\u00e9', 'Cert=', '%0A', '-----');
      fc.assert(fc.property(fc.string({ unit: grammar, maxLength: 200 }), answers));
    });

    it('answers a damaged value alike', () => {
      const at = fc.nat(good.length - 1);
      const text = fc.string({ maxLength: 3 });
      fc.assert(
        fc.property(at, fc.nat(5), text, (from, length, put) =>
          answers(good.slice(0, from) + put + good.slice(from + length)),
        ),
      );
    });

    it('answers a long value in time', () => {
      for (const unit of [...':,;="\\% A\t', ':AA:, ', '%0A', 'By=', 'By="\\"";', '\\"', good]) {
        answers(unit.repeat(Math.ceil(65_536 / unit.length)));
      }
    });

    function answers(value: string): void {
      let found: readonly Uint8Array[];
      try {
        found = decode(value);
      } catch (error) {
        return void refusal(error);
      }
      for (const one of found) assert.ok(one.length > 0);
    }
  });
}
