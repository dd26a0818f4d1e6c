import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AuthError } from '../../../src/errors.ts';
import {
  boolean,
  element,
  explicit,
  generalizedTime,
  implicit,
  integer,
  nothing,
  octetString,
  sequence,
  time,
  utcTime,
} from '../../../src/pki/der-writer.ts';
import { extension, type Extension } from '../../../src/pki/extensions.ts';
import { distinguishedName } from '../../../src/pki/names.ts';
import { testAuthority } from '../../../src/pki/testing.ts';
import { readCrlEntry } from '../../../src/x509/crl/entry.ts';
import { indexCrl, readCrl } from '../../../src/x509/crl/crl.ts';
import { DerReader } from '../../../src/x509/der.ts';
import { nameKey } from '../../../src/x509/name-match.ts';
import { plainEntryLength } from '../../../src/x509/crl/plain-entry.ts';
import { openssl } from '../../pki/openssl.ts';
import {
  certificateIssuer,
  changesTo,
  crlNumber,
  crlOf,
  entryOf,
  hour,
  invalidSince,
  issuingPoint,
  listOf,
  noon,
  reason,
} from '../../support/crl.ts';
import { authError } from '../../support/errors.ts';

const root = testAuthority();
const own = nameKey(crlOf(root).issuer);
const bytesOf = (serial: bigint): Uint8Array => new DerReader(integer(serial)).next().content;
const fields = { version: 0, algorithm: 1, nextUpdate: 4 } as const;
const unknown = (critical: boolean): Extension => ({ oid: '1.2.3.4', critical, value: nothing() });

/** Anything but a CRL or our refusal fails the test. */
function readOrRefuse(der: Uint8Array): void {
  try {
    readCrl(der);
  } catch (error) {
    assert.ok(error instanceof AuthError, String(error));
  }
}

describe('readCrl', () => {
  it('reads what the test kit writes', () => {
    const authority = testAuthority();
    const [held, plain, good] = [authority.issue(), authority.issue(), authority.issue()];
    authority.revoke(held, { reason: 'certificateHold', at: noon });
    authority.revoke(plain, { at: new Date('2060-01-01T00:00:00Z') });
    const crl = readCrl(authority.crl({ thisUpdate: noon, nextUpdate: null, number: 77n }).der);
    assert.equal(crl.version, 2);
    assert.match(crl.issuerDn, /^CN=countersign test root /);
    assert.deepEqual(crl.thisUpdate, noon);
    assert.equal(crl.nextUpdate, undefined);
    assert.equal(crl.number, 77n);
    assert.equal(crl.baseNumber, undefined);
    assert.equal(crl.issuingDistributionPoint, undefined);
    assert.equal(crl.authorityKeyId?.length, 20);
    assert.equal(crl.size, 2);
    const find = ({ serialNumber }: { serialNumber: string }) =>
      crl.find(nameKey(crl.issuer), bytesOf(BigInt(`0x${serialNumber}`)));
    assert.deepEqual(find(held), { revokedAt: noon, reason: 6 });
    assert.deepEqual(find(plain), { revokedAt: new Date('2060-01-01T00:00:00Z'), reason: 0 });
    assert.equal(find(good), undefined);
  });

  it('finds the entries that openssl lists, and no other', () => {
    const serials = [0n, 1n, 127n, 128n, 255n, 256n, 2n ** 64n, 2n ** 159n + 5n];
    const der = listOf(root, { entries: serials.map((serial) => entryOf(serial)) });
    const { ok, text } = openssl(['crl', '-inform', 'DER', '-noout', '-text'], der);
    assert.ok(ok, text);
    const listed = [...text.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, hex]) =>
      BigInt(`0x${hex}`),
    );
    assert.deepEqual(listed, serials);
    const crl = readCrl(der);
    assert.equal(crl.size, serials.length);
    for (const serial of serials) {
      assert.ok(crl.find(own, bytesOf(serial)) !== undefined, String(serial));
      assert.equal(crl.find(own, bytesOf(serial + 2n ** 20n)), undefined);
    }
  });

  it('bears negative serial numbers, and takes none for its positive twin', () => {
    const crl = crlOf(root, { entries: [entryOf(-1n), entryOf(-129n)] });
    assert.ok(crl.find(own, bytesOf(-1n)) !== undefined);
    assert.ok(crl.find(own, bytesOf(-129n)) !== undefined);
    assert.equal(crl.find(own, bytesOf(255n)), undefined);
  });

  it('reads version 1, which has no extensions', () => {
    const crl = crlOf(root, { entries: [entryOf(5n)], rewrite: ([, ...rest]) => rest });
    assert.equal(crl.version, 1);
    assert.ok(crl.find(own, bytesOf(5n)) !== undefined);
  });

  it('reads an empty list, whether it is left out or written', () => {
    assert.equal(crlOf(root).size, 0);
    assert.equal(crlOf(root).find(own, bytesOf(5n)), undefined);
    assert.equal(crlOf(root, { rewrite: (given) => [...given, sequence()] }).size, 0);
  });

  it('reads entries of every form', () => {
    const at = new Date('2026-02-28T23:59:59Z');
    const forms = [
      sequence(integer(1n), utcTime(at)),
      sequence(integer(2n), generalizedTime(at)),
      entryOf(3n, reason(1), invalidSince(noon)),
      entryOf(4n, unknown(false)),
      entryOf(5n, { oid: '1.2.3', value: octetString(Buffer.alloc(200)) }),
      sequence(integer(1n << 1040n), time(at)),
    ];
    const crl = crlOf(root, { entries: forms });
    assert.equal(crl.size, 6);
    assert.deepEqual(crl.find(own, bytesOf(1n)), { revokedAt: at, reason: 0 });
    assert.deepEqual(crl.find(own, bytesOf(2n)), { revokedAt: at, reason: 0 });
    assert.equal(crl.find(own, bytesOf(3n))?.reason, 1);
    for (const serial of [4n, 5n, 1n << 1040n]) {
      assert.ok(crl.find(own, bytesOf(serial)) !== undefined, String(serial));
    }
  });

  it('knows whose certificates an indirect list is about: an issuer counts until the next one', () => {
    const [second, third] = ['second', 'third'].map((name) => distinguishedName(name)) as [
      Buffer,
      Buffer,
    ];
    const crl = crlOf(root, {
      extensions: [issuingPoint({ indirect: true })],
      entries: [
        entryOf(1n),
        entryOf(2n, certificateIssuer({ directoryName: second })),
        entryOf(3n),
        entryOf(2n, certificateIssuer({ directoryName: third })),
        entryOf(4n, certificateIssuer({ directoryName: second })),
      ],
    });
    const issuers = { own, second: nameKey(second), third: nameKey(third) };
    const found = Object.entries(issuers).map(([name, key]) => [
      name,
      [1n, 2n, 3n, 4n].filter((serial) => crl.find(key, bytesOf(serial)) !== undefined),
    ]);
    assert.deepEqual(Object.fromEntries(found), { own: [1n], second: [2n, 3n, 4n], third: [2n] });
    assert.equal(crl.find(nameKey(distinguishedName('fourth')), bytesOf(1n)), undefined);
  });

  it('reads what a list is for', () => {
    const uri = { uri: 'http://crl.example/1' };
    const { issuingDistributionPoint } = crlOf(root, {
      extensions: [issuingPoint({ fullName: [uri], only: 'caCerts', reasons: [1, 8] })],
    });
    assert.deepEqual(issuingDistributionPoint, {
      name: { fullName: [{ kind: 'uri', value: uri.uri }] },
      only: 'caCerts',
      reasons: [1, 8],
      indirect: false,
    });
    const changes = crlOf(root, { extensions: [crlNumber(9), changesTo(7)] });
    assert.deepEqual([changes.number, changes.baseNumber], [9n, 7n]);
  });

  const rewriting = (place: number, field: Buffer) => ({
    rewrite: (given: Buffer[]) => given.with(place, field),
  });
  const entries = (...list: readonly Buffer[]) => ({ entries: list });
  const extensions = (...list: readonly Extension[]) => ({ extensions: list });
  const idp = (...members: readonly Buffer[]): Extension => ({
    oid: '2.5.29.28',
    critical: true,
    value: sequence(...members),
  });
  const refused: Readonly<Record<string, Parameters<typeof listOf>[1]>> = {
    'a version 1 that is spelt out': rewriting(fields.version, integer(0)),
    'a version 3': rewriting(fields.version, integer(2)),
    'two signature algorithms': rewriting(fields.algorithm, sequence()),
    'extensions in version 1': {
      ...extensions(crlNumber(1)),
      rewrite: ([, ...rest]) => rest,
    },
    'entry extensions in version 1': {
      ...entries(entryOf(1n, reason(1))),
      rewrite: ([, ...rest]) => rest,
    },
    'an unusual entry extension in version 1': {
      ...entries(entryOf(1n, reason(1), unknown(false))),
      rewrite: ([, ...rest]) => rest,
    },
    'a field too many': { rewrite: (given) => [...given, nothing()] },
    'a nextUpdate on a day that never was': rewriting(
      fields.nextUpdate,
      element(0x17, Buffer.from('260230120000Z')),
    ),
    'an empty list of extensions': { rewrite: (given) => [...given, explicit(0, sequence())] },
    'an extension twice': extensions(crlNumber(1), crlNumber(1)),
    'a negative CRL number': extensions(crlNumber(-1)),
    'a CRL number of 22 octets': extensions(crlNumber(2n ** 168n)),
    'changes without a number of their own': extensions(changesTo(1)),
    'an empty issuing distribution point': extensions(idp()),
    'a relative name that is none': extensions(
      idp(element(0xa0, element(0xa1, octetString(Buffer.of(1))))),
    ),
    'a flag spelt out as false': extensions(idp(implicit(4, boolean(false)))),
    'a list for CAs only and for others only': extensions(
      idp(implicit(1, boolean(true)), implicit(2, boolean(true))),
    ),
    "another issuer's entries in a list that is not indirect": entries(
      entryOf(1n, certificateIssuer({ directoryName: 'other' })),
    ),
    'an entry of an issuer without a distinguished name': {
      ...entries(entryOf(1n, certificateIssuer({ dnsName: 'ca.example' }))),
      ...extensions(issuingPoint({ indirect: true })),
    },
    'an entry of two issuers': {
      ...entries(entryOf(1n, certificateIssuer({ directoryName: 'a' }, { directoryName: 'b' }))),
      ...extensions(issuingPoint({ indirect: true })),
    },
    'reason 7, which does not exist': entries(entryOf(1n, reason(7))),
    'reason 11, which does not exist': entries(entryOf(1n, reason(11))),
    'a padded serial number': entries(sequence(element(0x02, Buffer.of(0, 5)), utcTime(noon))),
    'a serial number padded below zero': entries(
      sequence(element(0x02, Buffer.of(0xff, 0x85)), utcTime(noon)),
    ),
    'a serial number without bytes': entries(sequence(element(0x02), utcTime(noon))),
    'an entry without a date': entries(sequence(integer(1))),
    'an entry of the 31st of April': entries(
      sequence(integer(1), element(0x17, Buffer.from('260431120000Z'))),
    ),
    'an entry of the 29th of February 2026': entries(
      sequence(integer(1), element(0x17, Buffer.from('260229120000Z'))),
    ),
    'an entry in the 25th hour': entries(
      sequence(integer(1), element(0x17, Buffer.from('260415240000Z'))),
    ),
    'an entry with a fraction of a second': entries(
      sequence(integer(1), element(0x18, Buffer.from('20260415120000.5Z'))),
    ),
    'an entry with something after its extensions': entries(
      sequence(integer(1), utcTime(noon), sequence(extension(reason(1))), nothing()),
    ),
    'an entry with an empty list of extensions': entries(
      sequence(integer(1), utcTime(noon), sequence()),
    ),
    'an entry with a reason twice': entries(entryOf(1n, reason(1), reason(1))),
    'an invalidity date that is none': entries(
      entryOf(1n, { oid: '2.5.29.24', value: utcTime(noon) }),
    ),
    'an entry that is none': entries(nothing()),
    'one serial number over and over': entries(...Array.from({ length: 600 }, () => entryOf(1n))),
  };
  for (const [what, options] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => crlOf(root, options),
        authError('ERR_CERTIFICATE_MALFORMED', /^malformed/),
      );
    });
  }

  it('refuses a critical extension that it does not know, of the list and of an entry', () => {
    crlOf(root, { extensions: [unknown(false)], entries: [entryOf(1n, unknown(false))] });
    for (const options of [
      { extensions: [unknown(true)] },
      { entries: [entryOf(1n), entryOf(2n, unknown(true))] },
    ]) {
      const refusal = authError('ERR_CERTIFICATE_EXTENSION', /critical extension .*1\.2\.3\.4/);
      assert.throws(() => crlOf(root, options), refusal);
    }
  });

  it('refuses bytes after the end, and any truncation', () => {
    const der = listOf(root, { entries: [entryOf(1n, reason(1))], extensions: [crlNumber(1)] });
    const refusal = authError('ERR_CERTIFICATE_MALFORMED');
    assert.throws(() => readCrl(Buffer.concat([der, Buffer.of(0)])), refusal);
    for (let end = 0; end < der.length; end++) {
      assert.throws(() => readCrl(der.subarray(0, end)), refusal);
    }
  });

  it('makes a CRL or an AuthError of any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), readOrRefuse));
  });

  it('makes a CRL or an AuthError of any list with some bytes changed', () => {
    const der = listOf(root, {
      entries: [
        entryOf(1n),
        entryOf(2n, reason(1)),
        entryOf(3n, certificateIssuer({ directoryName: 'other' }), invalidSince(noon)),
      ],
      extensions: [crlNumber(3), changesTo(2), issuingPoint({ indirect: true, reasons: [1] })],
    });
    readCrl(der);
    const change = fc.tuple(fc.nat(der.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = Buffer.from(der);
        for (const [at, byte] of changes) changed[at] = byte;
        readOrRefuse(changed);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('indexCrl', () => {
  const count = 50_000;
  const entries = Array.from({ length: count }, (_, i) =>
    i % 3 === 0 ? entryOf(BigInt(i * 2), reason(4)) : entryOf(BigInt(i * 2)),
  );
  const der = listOf(root, { entries });

  it('reads a long list in many steps, and says how far it is', () => {
    const progress: number[] = [];
    const steps = indexCrl(der);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) progress.push(step.value);
    assert.equal(step.value.size, count);
    assert.ok(progress.length >= 20, String(progress.length));
    assert.ok(progress.every((done, i) => done > (progress[i - 1] ?? 0) && done < 1));
  });

  it('finds every one of its entries, and nothing between them', () => {
    const crl = readCrl(der);
    for (let i = 0; i < count; i++) {
      assert.equal(crl.find(own, bytesOf(BigInt(i * 2)))?.reason, i % 3 === 0 ? 4 : 0);
      assert.equal(crl.find(own, bytesOf(BigInt(i * 2 + 1))), undefined);
    }
  });
});

describe('plainEntryLength', () => {
  const dates = fc.date({
    min: new Date('1950-01-01T00:00:00Z'),
    max: new Date('2049-12-31T23:59:59Z'),
    noInvalidDate: true,
  });

  it('knows the plain form of any serial number, date and reason', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 159n), 2n ** 159n), dates, fc.nat(10), (serial, at, number) => {
        const members = [integer(serial), utcTime(at)];
        const plain = sequence(...members);
        assert.equal(plainEntryLength(plain, 0, 1), plain.length);
        const reasoned = sequence(...members, sequence(extension(reason(number))));
        assert.equal(plainEntryLength(reasoned, 0, 2), number === 7 ? undefined : reasoned.length);
        assert.equal(plainEntryLength(reasoned, 0, 1), undefined);
      }),
    );
  });

  it('takes nothing that the grammar refuses or reads otherwise', () => {
    const form = sequence(
      integer(0x1234n),
      utcTime(new Date(+noon - hour)),
      sequence(extension(reason(1))),
    );
    const change = fc.tuple(fc.nat(form.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = Buffer.from(form);
        for (const [at, byte] of changes) bytes[at] = byte;
        const length = plainEntryLength(bytes, 0, 2);
        if (length === undefined) return;
        const read = readCrlEntry(bytes);
        assert.equal(read.length, length);
        assert.equal(read.certificateIssuer, undefined);
      }),
      { numRuns: 20_000 },
    );
  });
});
