import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { derBlocks, derBlocksInSteps } from '../../src/x509/pem.ts';
import { authError } from '../support/errors.ts';

const block = (body: string, label = 'CERTIFICATE'): string =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const blocksOf = (source: string | Uint8Array): readonly (readonly number[])[] =>
  derBlocks(source, 'CERTIFICATE').map((bytes) => [...bytes]);
const malformed = authError('ERR_CERTIFICATE_MALFORMED', /^malformed/);

describe('derBlocks', () => {
  it('reads every block of its label, whatever stands around them', () => {
    const text = `Grüße\n${block('MAA=')}x${block('AAAA', 'X509 CRL')}${block('MQ==')}tail`;
    assert.deepEqual(blocksOf(text), [[0x30, 0], [0x31]]);
    assert.deepEqual(blocksOf(Buffer.from(text)), [[0x30, 0], [0x31]]);
  });

  it('takes bytes for DER, unless they are PEM', () => {
    const der = Uint8Array.of(0x30, 0);
    assert.deepEqual(derBlocks(der, 'X509 CRL'), [der]);
    assert.throws(() => derBlocks(Uint8Array.of(0x31, 0), 'X509 CRL'), malformed);
  });

  it('decodes what Node encodes, in lines of any length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.integer({ min: 1, max: 80 }), (bytes, n) => {
        const text = Buffer.from(bytes).toString('base64');
        const lines = text.replace(new RegExp(`.{${n}}`, 'g'), '$&\r\n');
        assert.deepEqual(blocksOf(block(lines)), [[...bytes]]);
      }),
    );
  });

  it('accepts nothing else for these bytes', () => {
    const characters = fc.constantFrom(...'AB/+=-_ \n*é');
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 12 }), (body) => {
        const text = body.replace(/[\r\n\t ]/g, '');
        const isCanonical = text !== '' && Buffer.from(text, 'base64').toString('base64') === text;
        if (isCanonical)
          assert.deepEqual(blocksOf(block(body)), [[...Buffer.from(text, 'base64')]]);
        else assert.throws(() => blocksOf(block(body)), malformed);
      }),
      { numRuns: 3000 },
    );
  });

  const refused: Readonly<Record<string, string>> = {
    'no block': 'text',
    'a block of another label': block('AAAA', 'X509 CRL'),
    'a block without an end': block('AAAA').slice(0, -30),
    'an empty block': block(''),
    'a character that is none of base64': block('AA*A'),
    'padding in between': block('AA==AAAA'),
    'padding that is missing': block('AAA'),
    'padding that is too much': block('AAA=='),
    'nothing but padding': block('===='),
    'bits left over': block('AAB='),
    'one character left over': block('AAAAA==='),
  };
  for (const [what, text] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => derBlocks(text, 'CERTIFICATE'), malformed);
    });
  }

  it('decodes a long block in many steps', () => {
    const bytes = Buffer.alloc(1_000_000, 7);
    const steps = derBlocksInSteps(block(bytes.toString('base64')), 'CERTIFICATE');
    let count = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) count++;
    assert.ok(count >= 20, String(count));
    assert.equal(Buffer.compare(step.value[0]!, bytes), 0);
  });
});
