import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPromise } from '../../src/maybe-promise.ts';
import type { OcspOptions } from '../../src/pki/test-ocsp.ts';
import { type TestCertificate, testAuthority } from '../../src/pki/testing.ts';
import type { FetchBytes, FetchOptions } from '../../src/revocation/fetcher.ts';
import { type OcspSourceOptions, ocspSource } from '../../src/revocation/ocsp-source.ts';
import { readCertificate } from '../../src/x509/certificate.ts';

const hour = 3_600_000;
const day = 24 * hour;
const url = 'http://ocsp.example/';

/** A CA with its responders, a source that asks them, and the clock of both. */
function scene(options: Omit<OcspSourceOptions, 'fetchBytes' | 'now'> = {}) {
  const authority = testAuthority();
  const issuer = readCertificate(authority.der);
  const asked: (FetchOptions & { readonly url: string })[] = [];
  let time = Date.now();
  const now = () => new Date(time);
  const set = {
    /** What the responders say; an Error is silence. */
    says: {} as OcspOptions | Error,
    repeatsNonce: true,
    /** How long a response lasts. */
    lastsMs: day,
  };

  const fetchBytes: FetchBytes = async (to, request) => {
    asked.push({ ...request, url: to });
    const about = asking!;
    await Promise.resolve();
    if (set.says instanceof Error) throw set.says;
    // The nonce is the last thing in a request, and 32 bytes long.
    const nonce = set.repeatsNonce ? { nonce: request.body!.subarray(-32) } : {};
    const nextUpdate = new Date(time + set.lastsMs);
    const times = { thisUpdate: now(), producedAt: now(), nextUpdate };
    return authority.ocsp(about, { ...times, ...nonce, ...set.says });
  };
  let asking: TestCertificate | undefined;
  const source = ocspSource({ fetchBytes, now, ...options });

  return {
    authority,
    asked,
    set,
    now,
    pass: (ms: number) => void (time += ms),
    issue: (more = {}) =>
      authority.issue({ ocspUris: [url], notAfter: new Date(time + 365 * day), ...more }),
    /** The answer of the source, which may be there at once. */
    answer: (leaf: TestCertificate) => {
      asking = leaf;
      return source(readCertificate(leaf.der), issuer);
    },
  };
}

/** Lets everything happen that waits for nothing outside. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('ocspSource', () => {
  it('asks the responder that the certificate names', async () => {
    const { answer, asked, issue } = scene();
    assert.equal((await answer(issue())).status, 'good');
    const [request] = asked;
    assert.equal(asked.length, 1);
    assert.equal(request?.url, url);
    assert.equal(request.contentType, 'application/ocsp-request');
    assert.equal(request.accept, 'application/ocsp-response');
    assert.equal(request.maxBytes, 65_536);
  });

  it('passes a revocation on', async () => {
    const { answer, issue, authority, now } = scene();
    const leaf = issue();
    const revokedAt = new Date(Math.floor(now().getTime() / 1000) * 1000 - hour);
    authority.revoke(leaf, { reason: 'superseded', at: revokedAt });
    assert.deepEqual(await answer(leaf), { status: 'revoked', revokedAt, reason: 'superseded' });
  });

  it('does not know where the certificate names nobody to ask', () => {
    const { answer, asked, authority } = scene();
    for (const ocspUris of [undefined, ['ldap://ocsp.example/']]) {
      const leaf = authority.issue(ocspUris === undefined ? {} : { ocspUris });
      assert.deepEqual(answer(leaf), {
        status: 'unknown',
        why: 'the certificate names no OCSP responder',
      });
    }
    assert.equal(asked.length, 0);
  });

  it('asks a second responder where the first is silent, and no third', async () => {
    const { answer, asked, issue, set } = scene();
    const ocspUris = ['ldap://a', 'http://b', 'HTTPS://me:s3cret@c/?token=abc', 'http://d'];
    set.says = new Error('it answered 500');
    const leaf = issue({ ocspUris });
    assert.deepEqual(await answer(leaf), {
      status: 'unknown',
      why: 'the OCSP responder "https://c/" gave no answer: it answered 500',
    });
    assert.deepEqual(
      asked.map((request) => request.url),
      ['http://b', 'HTTPS://me:s3cret@c/?token=abc'],
    );
  });

  it('does not know where the response is not to be relied on', async () => {
    const { answer, issue, set } = scene();
    set.says = { tampered: true };
    assert.deepEqual(await answer(issue()), {
      status: 'unknown',
      why: 'the OCSP response has a wrong signature',
    });
  });
});

describe('ocspSource: nonce', () => {
  it('sends one and bears a response without it', async () => {
    const { answer, issue, set, asked } = scene();
    set.repeatsNonce = false;
    const leaf = issue();
    assert.equal((await answer(leaf)).status, 'good');
    const bare = scene({ nonce: 'off' });
    bare.set.repeatsNonce = false;
    assert.equal((await bare.answer(bare.issue())).status, 'good');
    assert.ok(asked[0]!.body!.length > bare.asked[0]!.body!.length + 32);
  });

  it('refuses another one', async () => {
    const { answer, issue, set } = scene();
    set.says = { nonce: Buffer.alloc(32) };
    assert.equal((await answer(issue())).status, 'unknown');
  });

  it('insists on it where it is told to', async () => {
    const { answer, issue, set } = scene({ nonce: 'require' });
    assert.equal((await answer(issue())).status, 'good');
    set.repeatsNonce = false;
    assert.equal((await answer(issue())).status, 'unknown');
  });

  it('is another one each time', async () => {
    const { answer, issue, asked } = scene();
    await answer(issue());
    await answer(issue());
    const [a, b] = asked.map(({ body }) => Buffer.from(body!.subarray(-32)).toString('hex'));
    assert.notEqual(a, b);
  });
});

describe('ocspSource: what it remembers', () => {
  it('answers at once while the response lasts', async () => {
    const { answer, asked, issue, pass } = scene();
    const leaf = issue();
    const first = await answer(leaf);
    pass(hour);
    const second = answer(leaf);
    assert.ok(!isPromise(second));
    assert.equal(second, first);
    assert.equal(asked.length, 1);
  });

  it('asks anew after its end', async () => {
    const { answer, asked, issue, pass, set } = scene();
    const leaf = issue();
    await answer(leaf);
    pass(day);
    set.says = { status: 'unknown' };
    assert.equal((await answer(leaf)).status, 'unknown');
    assert.equal(asked.length, 2);
  });

  it('asks once for all who ask at the same time', async () => {
    const { answer, asked, issue } = scene();
    const leaf = issue();
    const answers = await Promise.all(Array.from({ length: 50 }, async () => answer(leaf)));
    assert.equal(asked.length, 1);
    assert.equal(new Set(answers).size, 1);
  });

  it('tells certificates apart, also those of one serial number', async () => {
    const { answer, asked, issue } = scene();
    await answer(issue({ serialNumber: 7 }));
    await answer(issue({ serialNumber: 7 }));
    assert.equal(asked.length, 2);
  });

  it('tells issuers apart', async () => {
    const here = scene();
    const there = testAuthority();
    const leaf = here.issue();
    const certificate = readCertificate(leaf.der);
    let asked = 0;
    const source = ocspSource({
      fetchBytes: async () => {
        asked++;
        return here.authority.ocsp(leaf);
      },
    });
    assert.equal((await source(certificate, readCertificate(here.authority.der))).status, 'good');
    assert.equal((await source(certificate, readCertificate(there.der))).status, 'unknown');
    assert.equal(asked, 2);
  });

  it('asks ahead of the end, and nobody waits for it', async () => {
    const { answer, asked, issue, pass, set, authority } = scene();
    const leaf = issue();
    await answer(leaf);
    pass(day * 0.75 - 1000);
    await answer(leaf);
    assert.equal(asked.length, 1);
    pass(2000);
    authority.revoke(leaf);
    set.lastsMs = day;
    const meanwhile = answer(leaf);
    assert.ok(!isPromise(meanwhile));
    assert.equal(meanwhile.status, 'good');
    await settled();
    assert.equal(asked.length, 2);
    assert.equal((await answer(leaf)).status, 'revoked');
  });

  it('asks anew after `maxAge` however long the response lasts', async () => {
    const { answer, asked, issue, pass, set } = scene({ maxAge: 3600 });
    set.lastsMs = 30 * day;
    const leaf = issue();
    await answer(leaf);
    pass(hour - 1000);
    await answer(leaf);
    assert.equal(asked.length, 1);
    pass(1000);
    await answer(leaf);
    await settled();
    assert.equal(asked.length, 2);
  });

  it('believes a response without an end for `maxAge`', async () => {
    const { answer, issue, pass, set } = scene({ maxAge: 3600 });
    set.says = { nextUpdate: null };
    const leaf = issue();
    await answer(leaf);
    set.says = new Error('it answered 500');
    pass(hour - 1000);
    assert.equal((await answer(leaf)).status, 'good');
    pass(1000);
    assert.equal((await answer(leaf)).status, 'unknown');
  });

  it('keeps a good answer while the responder is silent, and asks now and then', async () => {
    const { answer, asked, issue, pass, set } = scene();
    const leaf = issue();
    await answer(leaf);
    set.says = new Error('it answered 500');
    pass(day * 0.75);
    for (let i = 0; i < 3; i++) {
      assert.equal((await answer(leaf)).status, 'good');
      await settled();
    }
    assert.equal(asked.length, 2);
    pass(30_000);
    assert.equal((await answer(leaf)).status, 'good');
    await settled();
    assert.equal(asked.length, 3);
    pass(day * 0.25);
    assert.equal((await answer(leaf)).status, 'unknown');
  });

  it('remembers a failure for half a minute', async () => {
    const { answer, asked, issue, pass, set } = scene();
    set.says = new Error('it answered 500');
    const leaf = issue();
    await answer(leaf);
    pass(29_999);
    assert.ok(!isPromise(answer(leaf)));
    assert.equal(asked.length, 1);
    pass(1);
    set.says = {};
    assert.equal((await answer(leaf)).status, 'good');
  });

  it('believes no answer longer than the certificate lasts', async () => {
    const { answer, asked, issue, pass, now } = scene();
    const notAfter = new Date(now().getTime() + hour);
    const leaf = issue({ notAfter });
    await answer(leaf);
    pass(hour);
    assert.ok(isPromise(answer(leaf)));
    assert.equal(asked.length, 2);
  });

  it('lets no later response undo a revocation', async () => {
    const { answer, asked, issue, pass, set, authority } = scene();
    const leaf = issue();
    authority.revoke(leaf, { reason: 'keyCompromise' });
    await answer(leaf);
    set.says = { status: 'good' };
    pass(30 * day);
    assert.equal((await answer(leaf)).status, 'revoked');
    await settled();
    assert.equal((await answer(leaf)).status, 'revoked');
    assert.equal(asked.length, 1);
  });

  it('lifts a hold where a later response does, and only then', async () => {
    const { answer, issue, pass, set, authority } = scene();
    const leaf = issue();
    authority.revoke(leaf, { reason: 'certificateHold' });
    await answer(leaf);
    set.says = new Error('it answered 500');
    pass(2 * day);
    assert.equal((await answer(leaf)).status, 'revoked');
    await settled();
    assert.equal((await answer(leaf)).status, 'revoked');
    set.says = { status: 'good' };
    pass(day);
    await answer(leaf);
    await settled();
    assert.equal((await answer(leaf)).status, 'good');
  });

  it('forgets the one not asked for longest where it knows ten thousand', async () => {
    const { answer, asked, issue, set } = scene();
    set.says = { refusal: 3 };
    const keyPair = testAuthority().keyPair;
    const leaves = [1, 2, 3].map(() => issue({ keyPair }));
    const [first, second, last] = leaves as [TestCertificate, TestCertificate, TestCertificate];
    await answer(first);
    await answer(second);
    for (let i = 2; i < 10_000; i++) await answer({ ...last, der: another(last.der, i) });
    assert.equal(asked.length, 10_000);
    assert.ok(!isPromise(answer(first)));
    await answer(last);
    assert.ok(!isPromise(answer(first)));
    assert.ok(isPromise(answer(second)));
  });
});

/** A certificate with another signature, which nothing here looks at. */
function another(der: Buffer, number: number): Buffer {
  const bytes = Buffer.from(der);
  bytes.writeUInt32BE(number, bytes.length - 4);
  return bytes;
}
