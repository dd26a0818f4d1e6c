import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testAuthority } from '../../src/pki/testing.ts';
import { IntermediateCache } from '../../src/trust/intermediate-cache.ts';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { nameKey } from '../../src/x509/name-match.ts';
import { authError } from '../support/errors.ts';

const root = testAuthority();
const intermediate = (subject: string): Certificate =>
  readCertificate(root.intermediate({ subject, keyPair: root.keyPair }).der);
const key = ({ subject }: Certificate): string => nameKey(subject);

describe('IntermediateCache', () => {
  it('has certificates by their subject, each once', () => {
    const cache = new IntermediateCache();
    const [one, same, other] = [intermediate('one'), intermediate('ONE'), intermediate('other')];
    for (const certificate of [one, same, other, readCertificate(one.der)]) cache.add(certificate);
    const found = cache.withSubject(key(one)).map(({ certificate }) => certificate);
    // The first was of use again.
    assert.deepEqual(found, [same, one]);
    assert.deepEqual(cache.withSubject('nobody'), []);
  });

  it('takes none that is larger than CAs are', () => {
    const cache = new IntermediateCache();
    const sized = (size: number) => {
      const value = Buffer.alloc(size);
      const { der } = root.intermediate({ extensions: [{ oid: '1.2.3.4', value }] });
      return readCertificate(der);
    };
    // The signature is a byte longer or shorter by chance.
    const [small, large] = [sized(15_500), sized(16_384)];
    for (const certificate of [small, large]) cache.add(certificate);
    assert.equal(cache.withSubject(key(small)).length, 1);
    assert.equal(cache.withSubject(key(large)).length, 0);
  });

  it('keeps eight of one name, those that were of use last', () => {
    const cache = new IntermediateCache();
    const all = Array.from({ length: 9 }, () => intermediate('one name'));
    for (const certificate of all.slice(0, 8)) cache.add(certificate);
    cache.add(all[0]!);
    cache.add(intermediate('other'));
    cache.add(all[8]!);
    const found = cache.withSubject(key(all[0]!)).map(({ certificate }) => certificate);
    assert.deepEqual(found, [...all.slice(2, 8), all[0], all[8]]);
  });

  it('forgets the one that was of use longest ago, beyond a thousand', () => {
    const cache = new IntermediateCache();
    const all = Array.from({ length: 1_000 }, (_, i) => intermediate(`CA ${i}`));
    for (const certificate of all) cache.add(certificate);
    cache.add(all[0]!);
    cache.add(intermediate('CA 2'));
    const known = (i: number) => cache.withSubject(key(all[i]!)).length;
    assert.deepEqual([known(0), known(1), known(2), known(999)], [1, 0, 2, 1]);
    cache.add(intermediate('another'));
    assert.deepEqual([known(0), known(2), known(3)], [1, 1, 1]);
  });

  it('reads the bytes that it has once, whoever they come from', () => {
    const cache = new IntermediateCache();
    const one = intermediate('one');
    cache.add(one);
    assert.equal(cache.read(Uint8Array.from(one.der)), one);
    assert.equal(cache.read(Buffer.concat([Buffer.of(0), one.der]).subarray(1)), one);
  });

  it('takes no other certificate for it, nor a damaged copy', () => {
    const cache = new IntermediateCache();
    const one = intermediate('one');
    cache.add(one);
    const damaged = Buffer.from(one.der);
    damaged[damaged.length - 1]! ^= 1;
    for (const der of [intermediate('one').der, damaged]) {
      assert.deepEqual(Buffer.from(cache.read(der).der), Buffer.from(der));
    }
    assert.throws(() => cache.read(one.der.subarray(1)), authError('ERR_CERTIFICATE_MALFORMED'));
  });

  it('keeps nothing that it only reads, and reads anew what it forgot', () => {
    const cache = new IntermediateCache();
    const all = Array.from({ length: 9 }, () => intermediate('one name'));
    assert.notEqual(cache.read(all[0]!.der), cache.read(all[0]!.der));
    assert.deepEqual(cache.withSubject(key(all[0]!)), []);
    for (const certificate of all) cache.add(certificate);
    assert.notEqual(cache.read(all[0]!.der), all[0]);
    assert.equal(cache.read(all[1]!.der), all[1]);
  });

  it('does not change with the bytes that it read', () => {
    const cache = new IntermediateCache();
    const given = Buffer.from(intermediate('one').der);
    const certificate = cache.read(given);
    const before = Buffer.from(given);
    given.fill(0);
    assert.deepEqual(Buffer.from(certificate.der), before);
  });
});
