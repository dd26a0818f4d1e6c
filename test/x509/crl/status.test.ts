import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { distinguishedName } from '../../../src/pki/names.ts';
import { setOf, sequence, objectIdentifier, string } from '../../../src/pki/der-writer.ts';
import {
  type TestAuthority,
  type TestCertificate,
  testAuthority,
} from '../../../src/pki/testing.ts';
import { readCertificate } from '../../../src/x509/certificate.ts';
import { crlStatus } from '../../../src/x509/crl/status.ts';
import { type Crl, CrlIndex, readCrl } from '../../../src/x509/crl/crl.ts';
import { isSameName } from '../../../src/x509/name-match.ts';
import type { RevocationStatus } from '../../../src/x509/revocation-status.ts';
import {
  type DistributionPointOptions,
  type ListOptions,
  certificateIssuer,
  changesTo,
  crlNumber,
  crlOf,
  distributionPoints,
  entryOf,
  hour,
  issuingPoint,
  listOf,
  noon,
  reason,
} from '../../support/crl.ts';

const ca = testAuthority({ subject: 'the CA' });
const other = testAuthority({ subject: 'another CA' });
/** The same name with another key. */
const twin = testAuthority({ subject: 'the CA' });
const leaf = ca.issue();
const day = 24 * hour;

interface Asked {
  readonly about?: TestCertificate | TestAuthority;
  readonly at?: Date;
  /** Those whose certificates have a valid path. */
  readonly signers?: readonly (TestAuthority | TestCertificate)[];
}

function statusOf(crls: readonly Crl[], asked: Asked = {}): RevocationStatus {
  const { about = leaf, at = noon, signers = [ca, other] } = asked;
  const certificates = signers.map(({ der }) => readCertificate(der));
  return crlStatus(readCertificate(about.der), new CrlIndex(crls), {
    at,
    signers: (name) => certificates.filter(({ subject }) => isSameName(subject, name)),
  });
}

function assertGood(crls: readonly Crl[], asked?: Asked): void {
  assert.equal(statusOf(crls, asked).status, 'good', JSON.stringify(statusOf(crls, asked)));
}

function assertRevoked(crls: readonly Crl[], asked?: Asked): void {
  assert.equal(statusOf(crls, asked).status, 'revoked', JSON.stringify(statusOf(crls, asked)));
}

function assertUnknown(why: RegExp, crls: readonly Crl[], asked?: Asked): void {
  const status = statusOf(crls, asked);
  assert.ok(status.status === 'unknown', JSON.stringify(status));
  assert.match(status.why, why);
}

const list = (options?: ListOptions) => crlOf(ca, options);
const numbered = (number: number, options: ListOptions = {}) =>
  list({ ...options, extensions: [crlNumber(number), ...(options.extensions ?? [])] });
const lists = (...certificates: readonly TestCertificate[]) => ({
  entries: certificates.map((certificate) => entryOf(certificate)),
});

describe('crlStatus', () => {
  it('is good where a current list does not name the certificate, until the list ends', () => {
    const nextUpdate = new Date(+noon + day);
    assert.deepEqual(statusOf([list({ nextUpdate, entries: [entryOf(1n)] })]), {
      status: 'good',
      until: nextUpdate,
    });
  });

  it('is revoked where a list names it, with date and reason', () => {
    const entries = [entryOf(1n), entryOf(leaf, reason(1))];
    assert.deepEqual(statusOf([list({ entries })]), {
      status: 'revoked',
      revokedAt: new Date(+noon - 2 * hour),
      reason: 'keyCompromise',
    });
  });

  it('takes a certificate on hold for revoked', () => {
    const status = statusOf([list({ entries: [entryOf(leaf, reason(6))] })]);
    assert.equal(status.status === 'revoked' && status.reason, 'certificateHold');
  });

  it('is unknown without a list of the issuer', () => {
    assertUnknown(/no CRL about what "CN=the CA" issues/, []);
    assertUnknown(/no CRL about/, [crlOf(other)]);
  });

  describe('asks that a list is current', () => {
    const ends = new Date(+noon + day);
    const rows: readonly (readonly [string, ListOptions, Date, RegExp | undefined])[] = [
      ['at its first instant', { thisUpdate: noon }, noon, undefined],
      ['a second before it', { thisUpdate: noon }, new Date(+noon - 1000), /begins 2026-06-15T12/],
      ['at its last instant', { nextUpdate: ends }, ends, undefined],
      ['a second after it', { nextUpdate: ends }, new Date(+ends + 1000), /ended 2026-06-16T12/],
      ['that says until when', { nextUpdate: null }, noon, /does not say until when/],
    ];
    for (const [name, options, at, why] of rows) {
      it(`${why === undefined ? 'believes' : 'does not believe'} one ${name}`, () => {
        if (why === undefined) assertGood([list(options)], { at });
        else assertUnknown(why, [list(options)], { at });
        const onHold = { entries: [entryOf(leaf, reason(6))] };
        if (why !== undefined) assertUnknown(why, [list({ ...options, ...onHold })], { at });
      });
    }

    it('believes what it revokes for good also after its end', () => {
      const at = new Date(+ends + 1000);
      const ended = (options: ListOptions) => list({ nextUpdate: ends, ...options });
      assertRevoked([ended(lists(leaf))], { at });
      assertUnknown(/ended/, [ended(lists(ca.issue()))], { at });
      assertUnknown(/not signed/, [ended({ ...lists(leaf), signWith: other })], { at });
      assertUnknown(/begins/, [list(lists(leaf))], { at: new Date(+noon - 2 * day) });
    });

    it('believes the newer of two lists after their end, and a current one before both', () => {
      const at = new Date(+ends + 1000);
      const old = numbered(4, { nextUpdate: ends, ...lists(leaf) });
      const thisUpdate = noon;
      assertUnknown(/ended/, [old, numbered(5, { thisUpdate, nextUpdate: ends })], { at });
      assertGood([old, numbered(5, { thisUpdate, nextUpdate: new Date(+ends + day) })], { at });
      const short = numbered(6, { thisUpdate: new Date(+noon + hour), nextUpdate: ends });
      const current = { thisUpdate, nextUpdate: new Date(+ends + day) };
      assertGood([short, numbered(5, current)], { at });
      assertRevoked([short, numbered(5, { ...current, ...lists(leaf) })], { at });
    });
  });

  describe('asks who signed', () => {
    const notSigned = /is not signed by anybody who may sign it/;

    it('refuses the key of another, a broken signature and an algorithm of no worth', () => {
      assertUnknown(notSigned, [list({ signWith: other })]);
      assertUnknown(notSigned, [list({ tampered: true })]);
      assertUnknown(notSigned, [list({ hash: 'sha1' })]);
    });

    it('refuses a namesake that has no path', () => {
      assertUnknown(notSigned, [list({ signWith: twin })]);
      assertGood([list({ signWith: twin })], { signers: [ca, twin] });
    });

    it('refuses a certificate that is not for signing CRLs', () => {
      const keyUsage = (...bits: ('keyCertSign' | 'cRLSign')[]) =>
        testAuthority({ subject: 'the CA', keyPair: ca.keyPair, keyUsage: bits });
      assertUnknown(notSigned, [list()], { signers: [keyUsage('keyCertSign')] });
      assertGood([list()], { signers: [keyUsage('cRLSign')] });
      assertGood([list()], {
        signers: [testAuthority({ subject: 'the CA', keyPair: ca.keyPair, keyUsage: null })],
      });
      const { keyPair } = ca;
      const leafOfThatName = ca.issue({ subject: 'the CA', keyPair, keyUsage: null });
      assertUnknown(notSigned, [list()], { signers: [leafOfThatName] });
    });

    it('verifies a signature once for each key, however often it is asked', () => {
      let looked = 0;
      const crl = list();
      const counted: Crl = {
        ...crl,
        get signed() {
          looked++;
          return crl.signed;
        },
      };
      for (let i = 0; i < 5; i++) assertGood([counted], { signers: [twin, ca] });
      assert.equal(looked, 2);
    });
  });

  describe('asks what a list is for', () => {
    const notAbout = /is not about this certificate/;
    const uri = (name: string) => ({ uri: `http://crl.example/${name}` });
    const withPoints = (...points: readonly DistributionPointOptions[]) =>
      ca.issue({ extensions: [distributionPoints(...points)] });
    const scoped = (...options: Parameters<typeof issuingPoint>) =>
      list({ extensions: [issuingPoint(...options)] });
    const child = ca.intermediate();

    it('for end entities, CAs or attribute certificates only', () => {
      assertGood([scoped({ only: 'userCerts' })]);
      assertUnknown(notAbout, [scoped({ only: 'caCerts' })]);
      assertUnknown(notAbout, [scoped({ only: 'userCerts' })], { about: child });
      assertGood([scoped({ only: 'caCerts' })], { about: child });
      assertUnknown(notAbout, [scoped({ only: 'attributeCerts' })]);
      assertUnknown(notAbout, [scoped({ only: 'attributeCerts' })], { about: child });
    });

    it('for one distribution point, by any of its names', () => {
      const about = withPoints({ fullName: [uri('a'), uri('b')] });
      assertGood([scoped({ fullName: [uri('b'), uri('c')] })], { about });
      assertUnknown(notAbout, [scoped({ fullName: [uri('c')] })], { about });
      assertUnknown(notAbout, [scoped({ fullName: [uri('a')] })]);
    });

    it('for one of several distribution points', () => {
      const about = withPoints({ fullName: [uri('a')] }, { fullName: [uri('b')] });
      assertGood([scoped({ fullName: [uri('b')] })], { about });
    });

    it('for everything, where it names no point', () => {
      assertGood([list()], { about: withPoints({ fullName: [uri('a')] }) });
    });

    it('for its issuer as such, where it names a point after it', () => {
      assertGood([scoped({ fullName: [{ directoryName: 'the CA' }] })]);
    });

    it('for a point with a name relative to the issuer', () => {
      const relativeName = setOf(sequence(objectIdentifier('2.5.4.3'), string('utf8', 'Point 1')));
      const fullName = [
        {
          directoryName: [
            { type: 'CN', value: 'the CA' },
            { type: 'CN', value: 'POINT  1' },
          ],
        },
      ];
      const relative = withPoints({ relativeName });
      const full = withPoints({ fullName });
      for (const about of [relative, full]) {
        assertGood([scoped({ relativeName })], { about });
        assertGood([scoped({ fullName })], { about });
        assertUnknown(notAbout, [scoped({ fullName: [uri('a')] })], { about });
      }
    });

    it('for some reasons: good only once all reasons are covered', () => {
      const some = [1, 2, 3];
      const rest = [4, 5, 6, 7, 8];
      const partly = /do not cover all reasons/;
      assertUnknown(partly, [scoped({ reasons: some })]);
      assertGood([scoped({ reasons: some }), scoped({ reasons: rest })]);
      assertUnknown(partly, [scoped({ reasons: some }), scoped({ reasons: [4, 5, 6, 7] })]);
      const named = list({ extensions: [issuingPoint({ reasons: some })], ...lists(leaf) });
      assertRevoked([named]);
      assertRevoked([scoped({ reasons: rest }), named]);
    });

    it('for some reasons, by what the certificate says of its points', () => {
      const about = withPoints(
        { fullName: [uri('a')], reasons: [1, 2, 3, 4, 5] },
        { fullName: [uri('b')], reasons: [6, 7, 8] },
      );
      const [a, b] = [scoped({ fullName: [uri('a')] }), scoped({ fullName: [uri('b')] })];
      assertGood([a, b], { about });
      assertUnknown(/do not cover all reasons/, [a], { about });
    });

    it('of another issuer, only where the certificate names it and the list is indirect', () => {
      const about = withPoints({ fullName: [uri('a')], crlIssuer: 'another CA' });
      const scope = { fullName: [uri('a')] };
      const from = (indirect: boolean, ...entries: Buffer[]) =>
        crlOf(other, { extensions: [issuingPoint({ ...scope, indirect })], entries });
      const theirs = certificateIssuer({ directoryName: 'another CA' });
      const ours = certificateIssuer({ directoryName: 'the CA' });
      assertGood([from(true)], { about });
      assertUnknown(notAbout, [from(false)], { about });
      assertUnknown(notAbout, [crlOf(other)], { about });
      assertUnknown(/no CRL about/, [from(true)]);
      // A serial number is one of its issuer's; the CRL's own issuer may use the same.
      assertGood([from(true, entryOf(about))], { about });
      assertGood([from(true, entryOf(1n, ours), entryOf(about, theirs))], { about });
      assertRevoked([from(true, entryOf(about, ours))], { about });
      assertRevoked([from(true, entryOf(1n, ours), entryOf(about))], { about });
    });

    it('of a point that only its issuer names', () => {
      const about = withPoints({ crlIssuer: 'another CA' });
      const named = (name: string) =>
        crlOf(other, {
          extensions: [issuingPoint({ fullName: [{ directoryName: name }], indirect: true })],
        });
      assertGood([named('another CA')], { about });
      assertUnknown(notAbout, [named('a third CA')], { about });
    });
  });

  describe('combines a list with changes to it', () => {
    const base = numbered(5, { entries: [entryOf(1n)] });
    const names = numbered(5, lists(leaf));
    const changes = (number: number, to: number, options: ListOptions = {}) =>
      numbered(number, { ...options, extensions: [changesTo(to), ...(options.extensions ?? [])] });
    const revokes = lists(leaf);
    const releases = { entries: [entryOf(leaf, reason(8))] };

    it('that revoke', () => {
      assertRevoked([base, changes(6, 5, revokes)]);
      assertRevoked([base, changes(6, 3, revokes)]);
    });

    it('that release', () => {
      assertGood([names, changes(6, 5, releases)]);
    });

    it('that say nothing of it', () => {
      assertGood([base, changes(6, 5)]);
      assertRevoked([names, changes(6, 5)]);
    });

    it('the newest of them', () => {
      const newer = changes(7, 5, releases);
      assertGood([base, changes(6, 5, revokes), newer]);
      assertRevoked([base, newer, changes(8, 5, revokes)]);
    });

    it('and is good no longer than both are', () => {
      const nextUpdate = new Date(+noon + hour);
      const status = statusOf([base, changes(6, 5, { nextUpdate })]);
      assert.deepEqual(status, { status: 'good', until: nextUpdate });
    });

    it('but never changes alone', () => {
      assertUnknown(/there is no CRL, only changes to one/, [changes(6, 5)]);
      assertUnknown(/there is no CRL, only changes to one/, [changes(6, 5, revokes)]);
    });

    const unfit: Readonly<Record<string, Crl>> = {
      'that begin after the list': changes(7, 6, releases),
      'that the list has already': changes(5, 4, releases),
      'that have ended': changes(6, 5, { ...releases, nextUpdate: new Date(+noon - 1000) }),
      'that have not begun': changes(6, 5, { ...releases, thisUpdate: new Date(+noon + 1000) }),
      'that another key signed': changes(6, 5, { ...releases, signWith: twin }),
      'with a broken signature': changes(6, 5, { ...releases, tampered: true }),
      'for other certificates': changes(6, 5, {
        ...releases,
        extensions: [issuingPoint({ only: 'userCerts' })],
      }),
      'under another key identifier': changes(6, 5, {
        ...releases,
        extensions: [{ oid: '2.5.29.35', value: sequence() }],
      }),
    };
    for (const [what, delta] of Object.entries(unfit)) {
      it(`but none ${what}`, () => {
        assertRevoked([names, changes(6, 5)], { signers: [ca, twin] });
        assertRevoked([names, delta], { signers: [ca, twin] });
      });
    }

    it('but none to a list without a number', () => {
      assertRevoked([list(lists(leaf)), changes(6, 5, releases)]);
    });
  });

  describe('of several lists', () => {
    const before = { thisUpdate: new Date(+noon - 5 * hour) };

    it('takes the newest of one series, either way', () => {
      assertGood([numbered(4, { ...before, ...lists(leaf) }), numbered(5)]);
      assertRevoked([numbered(4, before), numbered(5, lists(leaf))]);
      assertGood([numbered(4, lists(leaf)), numbered(5)]);
    });

    it('takes an older one while the newest cannot be used', () => {
      const newest = { thisUpdate: new Date(+noon + hour) };
      assertRevoked([numbered(4, lists(leaf)), numbered(5, newest)]);
    });

    it('believes whichever says revoked, where they are no series', () => {
      const apart = { ...before, extensions: [issuingPoint({ only: 'userCerts' })] };
      assertRevoked([list(), list({ ...apart, ...lists(leaf) })]);
      assertRevoked([list(), list({ ...before, ...lists(leaf), signWith: twin })], {
        signers: [ca, twin],
      });
    });
  });

  it('knows the issuer by its name, however it is spelt', () => {
    const issuer = [{ type: 'CN', value: 'THE  ca', as: 'printable' }] as const;
    assertRevoked([list({ issuer, ...lists(leaf) })]);
    assertGood([list({ issuer: distinguishedName(issuer) })]);
  });

  it('does not take a negative serial number for its positive twin', () => {
    const issue = (serialNumber: bigint): TestCertificate => ca.issue({ serialNumber });
    const crl = list({ entries: [entryOf(-5n)] });
    assertRevoked([crl], { about: issue(-5n) });
    assertGood([crl], { about: issue(251n) });
  });

  it('has an answer for any list and any certificate that can be read', () => {
    const relativeName = setOf(sequence(objectIdentifier('2.5.4.3'), string('utf8', 'Point 1')));
    const uri = { uri: 'http://crl.example/' };
    const point = distributionPoints(
      { relativeName, crlIssuer: 'the CA' },
      { fullName: [uri, { directoryName: 'point' }], reasons: [1] },
    );
    const certificate = ca.issue({ extensions: [point] }).der;
    const crl = listOf(ca, {
      entries: [entryOf(1n, certificateIssuer({ directoryName: 'the CA' }))],
      extensions: [crlNumber(1), issuingPoint({ relativeName, indirect: true, reasons: [1] })],
    });
    const change = (length: number) => fc.array(fc.tuple(fc.nat(length - 1), fc.nat(255)));
    fc.assert(
      fc.property(change(certificate.length), change(crl.length), (ofCertificate, ofCrl) => {
        const about = readOr(readCertificate, certificate, ofCertificate);
        const read = readOr(readCrl, crl, ofCrl);
        const context = { at: noon, signers: () => [readCertificate(ca.der)] };
        assert.ok(crlStatus(about, new CrlIndex([read]), context).status !== undefined);
      }),
      { numRuns: 2000 },
    );
  });
});

/** What is read of these bytes with some of them changed, or without where that cannot be read. */
function readOr<T>(
  read: (der: Uint8Array) => T,
  der: Buffer,
  changes: readonly (readonly [at: number, byte: number])[],
): T {
  const changed = Buffer.from(der);
  for (const [at, byte] of changes.slice(0, 3)) changed[at] = byte;
  try {
    return read(changed);
  } catch {
    return read(der);
  }
}
