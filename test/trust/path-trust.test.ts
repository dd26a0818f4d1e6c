import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AuthError } from '../../src/errors.ts';
import type { MaybePromise } from '../../src/maybe-promise.ts';
import { type IssueOptions, testAuthority } from '../../src/pki/testing.ts';
import { AnchorSets } from '../../src/trust/anchor-sets.ts';
import { CertificateStore } from '../../src/trust/certificates.ts';
import { PathTrust, type TrustedPath } from '../../src/trust/path-trust.ts';
import type { RevocationChecker } from '../../src/trust/revocation.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import type { Path } from '../../src/x509/path/builder.ts';
import { authError } from '../support/errors.ts';
import { directoryFor, minutes, until } from '../support/files.ts';

const root = testAuthority();
const now = new Date();
const host = { dnsNames: ['a.example'] };
const soon = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 3_600_000);

interface Given {
  readonly anchors?: unknown;
  readonly intermediates?: unknown;
  readonly check?: RevocationChecker['check'];
}

function trust({ anchors = root.cert, intermediates, check }: Given = {}): PathTrust {
  return new PathTrust(
    new AnchorSets('mtls.trustAnchors', anchors),
    intermediates === undefined
      ? undefined
      : new CertificateStore('mtls.intermediates', intermediates),
    check === undefined ? undefined : { version: 7, check },
    'clientAuth',
  );
}

/** What is found at once, as it is without revocation. */
function found(paths: PathTrust, der: Buffer, sent: readonly Buffer[] = []): TrustedPath {
  const path = paths.find(der, sent, now);
  assert.ok(!(path instanceof Promise));
  return path;
}

const subjects = ({ certificates }: Path): readonly string[] =>
  certificates.map(({ subjectDn }) => subjectDn.replace('CN=', ''));
const untrusted = authError('ERR_CERTIFICATE_UNTRUSTED');

describe('PathTrust', () => {
  const ca = root.intermediate({ subject: 'issuing', notAfter: soon });
  const leaf = ca.issue(host);

  it('finds a path by what the peer sends, of which some may be nonsense', () => {
    const sent = [Buffer.of(1, 2, 3), leaf.der, ca.der, Buffer.alloc(0)];
    const path = found(trust(), leaf.der, sent);
    assert.deepEqual(subjects(path).slice(0, 2), ['test leaf', 'issuing']);
    assert.equal(path.anchor.set, undefined);
  });

  it('holds until the first certificate of the path ends', () => {
    const path = found(trust(), leaf.der, [ca.der]);
    assert.equal(path.until, soon.getTime());
  });

  it('finds intermediates that are configured, or that were of use before', () => {
    const told = trust({ intermediates: ca.cert });
    found(told, leaf.der);
    const untold = trust();
    assert.throws(() => found(untold, leaf.der), untrusted);
    found(untold, leaf.der, [ca.der]);
    found(untold, ca.issue(host).der);
  });

  it('keeps no intermediates of paths that were not valid', () => {
    const paths = trust();
    const expired = ca.issue({ ...host, notAfter: new Date(Date.now() - 86_400_000) });
    assert.throws(() => found(paths, expired.der, [ca.der]), authError('ERR_CERTIFICATE_EXPIRED'));
    assert.throws(() => found(paths, leaf.der), untrusted);
  });

  it('takes an intermediate that was of use for the one that is sent, if no byte differs', () => {
    const paths = trust();
    const sentAgain = (der: Buffer) => found(paths, ca.issue(host).der, [der]).certificates[1]!;
    const first = sentAgain(ca.der);
    assert.equal(sentAgain(Buffer.from(ca.der)), first);
    const damaged = Buffer.from(ca.der);
    damaged[damaged.length - 1]! ^= 1;
    assert.deepEqual(Buffer.from(sentAgain(damaged).der), ca.der);
  });

  it('validates every path anew, though it has seen the intermediate', () => {
    const paths = trust();
    const { der } = ca.issue(host);
    found(paths, der, [ca.der]);
    const later = new Date(soon.getTime() + 1_000);
    assert.throws(() => paths.find(der, [ca.der], later), authError('ERR_CERTIFICATE_EXPIRED'));
    const forged = testAuthority({ subject: 'issuing' }).issue(host).der;
    assert.throws(() => found(paths, forged, [ca.der]), authError('ERR_CERTIFICATE_SIGNATURE'));
  });

  it('is not kept from one CA by others that bear its name and its key identifier', () => {
    const paths = trust();
    const evil = root.intermediate();
    const { subjectKeyId } = readCertificate(ca.der);
    for (let i = 0; i < 60; i++) {
      const keyPair = root.keyPair;
      const rival = evil.intermediate({
        subject: 'issuing',
        subjectKeyId: subjectKeyId!,
        keyPair,
        serialNumber: i + 1,
      });
      found(paths, rival.issue(host).der, [rival.der, evil.der]);
    }
    found(paths, leaf.der, [ca.der]);
  });

  it('refuses a leaf that cannot be read, and one for another purpose', () => {
    assert.throws(() => found(trust(), Buffer.of(1)), authError('ERR_CERTIFICATE_MALFORMED'));
    const server = root.issue({ ...host, usage: 'serverAuth' });
    assert.throws(() => found(trust(), server.der), authError('ERR_CERTIFICATE_USAGE'));
  });

  it('says which set of anchors vouched', () => {
    const partners = testAuthority();
    const paths = trust({ anchors: { staff: root.cert, partners: partners.cert } });
    for (const [authority, set] of [
      [root, 'staff'],
      [partners, 'partners'],
    ] as const) {
      assert.equal(found(paths, authority.issue(host).der).anchor.set, set);
    }
  });

  for (const what of ['anchors', 'intermediates'] as const) {
    it(`has another version where ${what} are others`, async (context) => {
      const file = join(directoryFor(context), 'ca.pem');
      writeFileSync(file, root.cert);
      const clock = minutes(context);
      const paths = trust({ [what]: file, check: () => 0 });
      const { version } = paths;
      assert.match(version, / 7$/);
      assert.equal(paths.version, version);
      writeFileSync(file, testAuthority().cert);
      clock.pass();
      await until(() => paths.version !== version);
      if (what === 'intermediates') return;
      assert.throws(() => found(paths, root.issue(host).der), untrusted);
    });
  }
});

describe('revocation of a path', () => {
  const keyPair = root.keyPair;
  const subject = 'issuing';
  // Two paths: the CA was certified twice, and the one that lasts longer is tried first.
  const twice = [30, 20].map((days) =>
    root.intermediate({ subject, keyPair, notAfter: new Date(Date.now() + days * 86_400_000) }),
  );
  const leaf = twice[0]!.issue(host);
  const sent = twice.map(({ der }) => der);
  const revoked = new AuthError('ERR_CERTIFICATE_REVOKED', 'revoked');
  const isFirst = ({ certificates }: Path) => Buffer.compare(certificates[1]!.der, sent[0]!) === 0;

  const answers: readonly (readonly [
    what: string,
    wrap: (answer: () => number) => MaybePromise<number>,
  ])[] = [
    ['at once', (answer) => answer()],
    ['later', async (answer) => answer()],
  ];
  for (const [what, wrap] of answers) {
    it(`bounds how long a path holds, when it answers ${what}`, async () => {
      const path = await trust({ check: () => wrap(() => 1_000) }).find(leaf.der, sent, now);
      assert.equal(path.until, 1_000);
    });

    it(`leads to the next path, when it answers ${what}`, async () => {
      const check = (path: Path) =>
        wrap(() => {
          if (isFirst(path)) throw revoked;
          return Infinity;
        });
      const path = await trust({ check }).find(leaf.der, sent, now);
      assert.equal(isFirst(path), false);
    });

    it(`is the reason where there is no other path, when it answers ${what}`, async () => {
      const second = new AuthError('ERR_REVOCATION_UNKNOWN', 'unknown');
      const check = (path: Path) =>
        wrap(() => {
          throw isFirst(path) ? revoked : second;
        });
      const paths = trust({ check });
      await assert.rejects(
        async () => paths.find(leaf.der, sent, now),
        authError('ERR_CERTIFICATE_REVOKED'),
      );
    });

    it(`does not hide a fault of our own, when it answers ${what}`, async () => {
      const check = () =>
        wrap(() => {
          throw new TypeError('a bug');
        });
      await assert.rejects(async () => trust({ check }).find(leaf.der, sent, now), TypeError);
    });
  }

  it('is asked about the path and the instant', () => {
    const asked: unknown[] = [];
    const at = new Date(now.getTime() + 1_000);
    void trust({
      check: (path, _material, instant) => asked.push(path.certificates.length, instant),
    }).find(leaf.der, sent, at);
    assert.deepEqual(asked, [3, at]);
  });
});

describe('bundles of trust domains', () => {
  const bank = testAuthority();
  const other = testAuthority();
  const paths = trust({
    anchors: {
      'spiffe://bank.example': bank.cert,
      'spiffe://other.example': other.cert,
      staff: root.cert,
    },
  });
  const rows: readonly (readonly [
    what: string,
    by: typeof bank,
    leaf: IssueOptions,
    good: boolean,
  ])[] = [
    ['its own SPIFFE ID', bank, { spiffeId: 'spiffe://bank.example/pay' }, true],
    ['the SPIFFE ID of another domain', other, { spiffeId: 'spiffe://bank.example/pay' }, false],
    ['the SPIFFE ID of a domain below', bank, { spiffeId: 'spiffe://x.bank.example/pay' }, false],
    ['what is no SPIFFE ID', bank, { spiffeId: 'spiffe://bank.example/../pay' }, false],
    ['a SPIFFE ID in capitals', bank, { spiffeId: 'SPIFFE://bank.example/pay' }, false],
    ['no SPIFFE ID', bank, host, false],
    ['another URI', bank, { uris: ['https://bank.example/pay'] }, false],
    ['no SPIFFE ID, by a CA of no domain', root, host, true],
    ['a SPIFFE ID, by a CA of no domain', root, { spiffeId: 'spiffe://bank.example/pay' }, false],
  ];
  for (const [what, by, leaf, good] of rows) {
    it(`${good ? 'vouch' : 'do not vouch'} for a certificate with ${what}`, () => {
      const find = () => found(paths, by.issue({ dnsNames: [], ...leaf }).der);
      if (good) find();
      else assert.throws(find, authError('ERR_CERTIFICATE_UNTRUSTED', /not for the CAs of/));
    });
  }

  it('leave SPIFFE IDs to every CA where there are none', () => {
    const leaf = root.issue({ spiffeId: 'spiffe://bank.example/pay', dnsNames: [] });
    found(trust({ anchors: { staff: root.cert } }), leaf.der);
  });
});
