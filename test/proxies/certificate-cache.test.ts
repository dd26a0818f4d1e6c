import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PresentedCertificate } from '../../src/peer/forwarded-peer.ts';
import { CertificateCache } from '../../src/proxies/certificate-cache.ts';

const fresh = (): PresentedCertificate => ({ certificate: new Uint8Array(), intermediates: [] });
const fail = (): never => assert.fail('it is known');

describe('CertificateCache', () => {
  it('is the same object for the same text, and another one for another', () => {
    const cache = new CertificateCache();
    const a = cache.of('a', fresh);
    assert.equal(cache.of('a', fail), a);
    assert.notEqual(cache.of('b', fresh), a);
  });

  it('keeps neither what is none nor what cannot be read', () => {
    const cache = new CertificateCache();
    assert.equal(
      cache.of('a', () => undefined),
      undefined,
    );
    assert.throws(() =>
      cache.of('a', () => {
        throw new Error('unreadable');
      }),
    );
    assert.notEqual(cache.of('a', fresh), undefined);
  });

  it('forgets what nobody asks for, and keeps what is asked for', () => {
    const cache = new CertificateCache();
    const kept = cache.of('kept', fresh);
    const lost = cache.of('lost', fresh);
    for (let i = 0; i < 10_000; i++) {
      cache.of(`${i}`, fresh);
      assert.equal(cache.of('kept', fail), kept);
    }
    assert.notEqual(cache.of('lost', fresh), lost);
  });

  it('is bounded by the length of texts as well', () => {
    const cache = new CertificateCache();
    const first = cache.of('first', fresh);
    let known = 0;
    for (let i = 0; i < 600; i++) cache.of(`${i}`.padEnd(65_536), fresh);
    for (let i = 0; i < 600; i++) {
      cache.of(`${i}`.padEnd(65_536), () => void known++);
    }
    assert.ok(known >= 600 - 257, `${600 - known} are kept`);
    assert.notEqual(cache.of('first', fresh), first);
  });
});
