import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type IssueOptions, type TestAuthority, testAuthority } from '../../../src/pki/testing.ts';
import { element, implicit, integer, octetString, sequence } from '../../../src/pki/der-writer.ts';
import { generalName } from '../../../src/pki/names.ts';
import { type Certificate, readCertificate } from '../../../src/x509/certificate.ts';
import { type Path, findPaths } from '../../../src/x509/path/builder.ts';
import type { Fault, PathRules } from '../../../src/x509/path/rules.ts';
import { CertificateIndex } from '../../../src/x509/path/trust-anchors.ts';

const rules: PathRules = {
  at: new Date(),
  purpose: 'any',
  maxDepth: 20,
  policies: {},
  profile: 'rfc5280',
};
const day = 86_400_000;
const ended = new Date(Date.now() - day);

type Given = { readonly der: Buffer } | Certificate;

/** Counts how often signatures are verified and issuers are looked up, which is what costs. */
class Work {
  signatures = 0;
  lookups = 0;

  read = (given: Given): Certificate => {
    const certificate = 'signed' in given ? given : readCertificate(given.der);
    return Object.defineProperty({ ...certificate }, 'signed', {
      get: () => {
        this.signatures++;
        return certificate.signed;
      },
    });
  };
}

interface Outcome {
  /** The paths, each by the places of its certificates in what was given: `leaf`, `i0`, `a0`. */
  readonly paths: readonly string[];
  readonly fault: Fault;
  readonly work: Work;
}

function search(
  leaf: Given,
  given: readonly Given[],
  trusted: readonly Given[],
  overrides: Partial<PathRules> = {},
): Outcome {
  const work = new Work();
  const names = new Map<Certificate, string>();
  const read = (prefix: string) => (one: Given, i: number) => {
    const certificate = work.read(one);
    names.set(certificate, `${prefix}${prefix === 'leaf' ? '' : i}`);
    return { certificate, set: undefined };
  };
  const first = read('leaf')(leaf, 0).certificate;
  const index = new CertificateIndex(given.map(read('i')));
  const material = {
    anchors: new CertificateIndex(trusted.map(read('a'))),
    intermediates: {
      withSubject(key: string) {
        work.lookups++;
        return index.withSubject(key);
      },
    },
  };
  const paths: string[] = [];
  const found = findPaths(first, material, { ...rules, ...overrides });
  for (;;) {
    const next: IteratorResult<Path, Fault> = found.next();
    if (next.done === true) return { paths, fault: next.value, work };
    const { certificates, anchor } = next.value;
    assert.deepEqual(certificates.at(-1)!.der, anchor.certificate.der);
    paths.push(certificates.map((one) => names.get(one)).join(' '));
  }
}

/** The same CA, vouched for by another. */
const cross = (by: TestAuthority, ca: TestAuthority, options: IssueOptions): TestAuthority =>
  by.intermediate({ keyPair: ca.keyPair, ...options });

const host = { dnsNames: ['a.example'] };
const root = testAuthority({ subject: 'root' });

describe('findPaths', () => {
  it('finds the way through intermediates in any order', () => {
    const first = root.intermediate();
    const second = first.intermediate();
    const leaf = second.issue(host);
    for (const given of [
      [first, second],
      [second, first],
    ]) {
      const { paths } = search(leaf, given, [root]);
      assert.deepEqual(paths, [given[0] === first ? 'leaf i1 i0 a0' : 'leaf i0 i1 a0']);
    }
  });

  it('tries the next candidate where the first is not the issuer', () => {
    const subject = 'issuing';
    const [wrong, right] = [root.intermediate({ subject }), root.intermediate({ subject })];
    const leaf = right.issue({ ...host, authorityKeyId: wrong.der.subarray(0, 20) });
    assert.deepEqual(search(leaf, [wrong, right], [root]).paths, ['leaf i1 a0']);
    assert.deepEqual(search(right.issue(host), [wrong, right], [root]).paths, ['leaf i1 a0']);
  });

  it('tries the next candidate where the first leads nowhere, or to a path that is not valid', () => {
    const subject = 'issuing';
    const right = root.intermediate({ subject });
    const nowhere = cross(testAuthority(), right, {
      subject,
      notAfter: new Date(Date.now() + 20 * 365 * day),
    });
    const expired = cross(root, right, { subject, notAfter: ended });
    const leaf = right.issue(host);
    assert.deepEqual(search(leaf, [nowhere, expired, right], [root]).paths, ['leaf i2 a0']);
  });

  it('answers every path of a CA that several vouch for', () => {
    const other = testAuthority();
    const subject = 'bridge';
    const bridge = root.intermediate({ subject });
    const crossed = cross(other, bridge, { subject });
    const leaf = bridge.issue(host);
    const { paths } = search(leaf, [bridge, crossed], [root, other]);
    assert.deepEqual([...paths].sort(), ['leaf i0 a0', 'leaf i1 a1']);
  });

  it('ends where CAs vouch for each other in a circle', () => {
    const [a, b] = [testAuthority({ subject: 'a' }), testAuthority({ subject: 'b' })];
    const [ab, ba] = [cross(b, a, { subject: 'a' }), cross(a, b, { subject: 'b' })];
    const leaf = a.issue(host);
    const lost = search(leaf, [ab, ba, a, b], [root]);
    assert.deepEqual(lost.paths, []);
    assert.equal(lost.fault.error.code, 'ERR_CERTIFICATE_UNTRUSTED');
    assert.ok(lost.work.signatures <= 8);
    const rooted = cross(root, b, { subject: 'b' });
    assert.deepEqual(search(leaf, [ab, ba, rooted], [root]).paths, ['leaf i0 i2 a0']);
  });

  it('follows a CA whose key has changed, both ways', () => {
    const old = testAuthority({ subject: 'rolling' });
    const fresh = testAuthority({ subject: 'rolling' });
    const newWithOld = cross(old, fresh, { subject: 'rolling' });
    const oldWithNew = cross(fresh, old, { subject: 'rolling' });
    assert.deepEqual(search(fresh.issue(host), [newWithOld], [old]).paths, ['leaf i0 a0']);
    assert.deepEqual(search(old.issue(host), [oldWithNew], [fresh]).paths, ['leaf i0 a0']);
    assert.deepEqual(search(old.issue(host), [newWithOld, oldWithNew], [old, fresh]).paths, [
      'leaf a0',
    ]);
  });

  it('takes names for the same that are spelt otherwise', () => {
    const ca = root.intermediate({ subject: 'Issuing  CA' });
    const leaf = ca.issue({
      ...host,
      issuer: [{ type: 'CN', value: 'ISSUING CA', as: 'printable' }],
    });
    assert.deepEqual(search(leaf, [ca], [root]).paths, ['leaf i0 a0']);
  });

  it('follows a CA that has vouched for another name of its own key', () => {
    const keyPair = testAuthority().keyPair;
    const above = root.intermediate({ subject: 'one name', keyPair });
    const below = above.intermediate({ subject: 'another name', keyPair });
    assert.deepEqual(search(below.issue(host), [above, below], [root]).paths, ['leaf i1 i0 a0']);
  });

  it('stops at an anchor that is no root, and at a leaf that is one', () => {
    const ca = root.intermediate();
    const leaf = ca.issue(host);
    assert.deepEqual(search(leaf, [], [ca]).paths, ['leaf a0']);
    assert.deepEqual(search(leaf, [ca], []).paths, []);
    assert.equal(search(leaf, [], [leaf]).fault.error.code, 'ERR_CERTIFICATE_UNTRUSTED');
    assert.deepEqual(search(leaf, [], [leaf]).paths, ['leaf']);
    assert.deepEqual(search(root, [], [root]).paths, ['leaf']);
  });

  it('goes on above an anchor where the path to it is not valid', () => {
    const ca = root.intermediate({ notAfter: ended });
    const renewed = cross(root, ca, { subject: 'renewed' });
    const leaf = ca.issue({ ...host, issuer: 'renewed' });
    assert.deepEqual(search(leaf, [renewed], [ca, root]).paths, ['leaf i0 a1']);
  });

  it('does not get around what an anchor says of itself', () => {
    const ca = testAuthority({
      subject: 'limited',
      nameConstraints: { permitted: [{ dnsName: 'b.example' }] },
    });
    const unlimited = cross(root, ca, { subject: 'limited' });
    const { paths, fault } = search(ca.issue(host), [unlimited], [ca, root]);
    assert.deepEqual(paths, []);
    assert.equal(fault.error.code, 'ERR_CERTIFICATE_CONSTRAINED');
    // To whoever trusts the other CA alone, it is one like any other.
    assert.deepEqual(search(ca.issue(host), [unlimited], [root]).paths, ['leaf i0 a0']);
  });
});

describe('the order of candidates', () => {
  it('begins with the one that the key identifier names, and ends with those it does not', () => {
    const subject = 'issuing';
    const right = root.intermediate({ subject });
    const unnamed = cross(root, right, { subject, subjectKeyId: null });
    const other = cross(root, right, { subject, subjectKeyId: Buffer.of(1) });
    // None of these names conforms without a key identifier, so all are asked as anchors' kin: by place.
    const given = [other, unnamed, right];
    const found = search(right.issue(host), given, [root]);
    assert.deepEqual(found.paths, ['leaf i2 a0', 'leaf i0 a0']);
    assert.equal(found.fault.certificate.subjectKeyId, undefined);
    const bare = right.issue({ ...host, authorityKeyId: null });
    assert.equal(search(bare, given, [root]).work.signatures, 6);
  });

  it('spends one signature where the hint is right, however many there are', () => {
    const subject = 'issuing';
    const all = Array.from({ length: 30 }, () => root.intermediate({ subject }));
    const leaf = all[17]!.issue(host);
    const work = new Work();
    const index = (list: readonly Given[]) =>
      new CertificateIndex(list.map((one) => ({ certificate: work.read(one), set: undefined })));
    const found = findPaths(
      work.read(leaf),
      { anchors: index([root]), intermediates: index(all) },
      rules,
    );
    assert.equal(found.next().done, false);
    assert.equal(work.signatures, 2);
  });

  it('puts the one that ends last before its equals', () => {
    const subject = 'issuing';
    const right = root.intermediate({ subject, notAfter: new Date(Date.now() + day) });
    const longer = cross(root, right, { subject, notAfter: new Date(Date.now() + 3 * day) });
    const long = cross(root, right, { subject, notAfter: new Date(Date.now() + 2 * day) });
    const { paths } = search(right.issue(host), [right, longer, long], [root]);
    assert.deepEqual(paths, ['leaf i1 a0', 'leaf i2 a0', 'leaf i0 a0']);
  });
});

describe('an authority key identifier that names a certificate', () => {
  const ca = root.intermediate({ subject: 'issuing', serialNumber: 77 });
  const named = (issuers: readonly string[], serial: number): IssueOptions => ({
    ...host,
    extensions: [
      {
        oid: '2.5.29.35',
        value: sequence(
          implicit(0, octetString(readCertificate(ca.der).subjectKeyId!)),
          element(
            0xa1,
            ...issuers.map((issuer) =>
              generalName(issuer.startsWith('http') ? { uri: issuer } : { directoryName: issuer }),
            ),
          ),
          implicit(2, integer(serial)),
        ),
      },
    ],
  });

  for (const [what, issuers, serial, good] of [
    ['that of the issuer', ['ROOT'], 77, true],
    ['that of the issuer among others', ['toor', 'root'], 77, true],
    ['another serial number', ['root'], 78, false],
    ['another issuer', ['toor', 'http://root.example/'], 77, false],
    ['no issuer that can be compared', ['http://root.example/'], 77, true],
  ] as const) {
    it(`${good ? 'is obeyed' : 'refuses'}: ${what}`, () => {
      const { paths, fault } = search(ca.issue(named(issuers, serial)), [ca], [root]);
      assert.deepEqual(paths, good ? ['leaf i0 a0'] : []);
      assert.equal(fault.error.code, 'ERR_CERTIFICATE_UNTRUSTED');
    });
  }
});

describe('the reason why there is no path', () => {
  it('is the fault of the first chain that reached an anchor', () => {
    const subject = 'issuing';
    const expired = root.intermediate({ subject, notAfter: ended });
    const stranger = cross(testAuthority(), expired, { subject });
    const leaf = expired.issue(host);
    const { fault } = search(leaf, [stranger, expired], [root]);
    assert.equal(fault.error.code, 'ERR_CERTIFICATE_EXPIRED');
    assert.deepEqual(fault.certificate.der, expired.der);
  });

  it('is a signature that does not hold, where no chain reached an anchor', () => {
    const leaf = root.issue({ ...host, tampered: true });
    const { fault } = search(leaf, [], [root]);
    assert.equal(fault.error.code, 'ERR_CERTIFICATE_SIGNATURE');
    assert.deepEqual(fault.certificate.der, leaf.der);
  });

  it('is an algorithm that is not accepted', () => {
    const { fault } = search(root.issue({ ...host, hash: 'sha1' }), [], [root]);
    assert.equal(fault.error.code, 'ERR_CERTIFICATE_ALGORITHM');
  });

  it('is the highest certificate for which nobody vouches', () => {
    const lost = testAuthority({ subject: 'lost root' }).intermediate();
    const issuing = lost.intermediate();
    const leaf = issuing.issue(host);
    const { fault } = search(leaf, [issuing, lost], [root]);
    assert.equal(fault.error.code, 'ERR_CERTIFICATE_UNTRUSTED');
    assert.match(fault.error.message, /"CN=lost root" is no trust anchor/);
    assert.deepEqual(fault.certificate.der, lost.der);
    assert.deepEqual(search(leaf, [], [root]).fault.certificate.der, leaf.der);
  });
});

describe('the work of building paths', () => {
  const undecided = ({ fault, work }: Outcome): void => {
    assert.equal(fault.error.code, 'ERR_CERTIFICATE_UNDECIDED');
    assert.match(fault.error.message, /too many/);
    assert.ok(work.signatures <= 40, `${work.signatures} signatures`);
    assert.ok(work.lookups <= 42, `${work.lookups} lookups`);
  };
  const many = (count: number, make: (i: number) => TestAuthority) =>
    Array.from({ length: count }, (_, i) => make(i));

  it('is bounded where a thousand certificates bear the name of the issuer', () => {
    const keyPair = testAuthority().keyPair;
    const subject = 'issuing';
    const one = testAuthority({ subject, keyPair });
    const copies = Array.from({ length: 1_000 }, () => readCertificate(one.der));
    const leaf = root.intermediate({ subject }).issue(host);
    undecided(search(leaf, copies, [root]));
    undecided(search(leaf, [], copies));
  });

  /** Levels of CAs, each of which vouches for each of the level below; the last issues. */
  const mesh = (top: TestAuthority, height: number, width: number): readonly TestAuthority[] => {
    const all = [top];
    for (let level = 0; level < height; level++) {
      const above = all.at(-1)!;
      const { keyPair } = testAuthority();
      all.push(...many(width, () => above.intermediate({ subject: `level ${level}`, keyPair })));
    }
    return all.slice(1);
  };

  it('is bounded where each level has several that vouch for each of the level below', () => {
    const all = mesh(testAuthority(), 12, 3);
    undecided(search(all.at(-1)!.issue(host), all, [root]));
  });

  it('is bounded where few signatures make thousands of chains that lead nowhere', () => {
    const all = mesh(testAuthority(), 10, 2);
    const outcome = search(all.at(-1)!.issue(host), all, [root]);
    undecided(outcome);
    // What is known is not verified again: two for the leaf, four for each level but the first.
    assert.equal(outcome.work.signatures, 38);
  });

  it('is bounded where few signatures make many chains to an anchor, and none is valid', () => {
    const all = mesh(root, 4, 3);
    const outcome = search(all.at(-1)!.issue({ ...host, notAfter: ended }), all, [root]);
    undecided(outcome);
    assert.ok(outcome.work.signatures < 40);
    const fewer = mesh(root, 3, 3);
    const { fault } = search(fewer.at(-1)!.issue({ ...host, notAfter: ended }), fewer, [root]);
    assert.equal(fault.error.code, 'ERR_CERTIFICATE_EXPIRED');
  });

  it('is bounded where hundreds of chains reach an anchor and none is valid', () => {
    const keyPair = testAuthority().keyPair;
    const subject = 'issuing';
    const all = many(100, () => root.intermediate({ subject, keyPair, notAfter: ended }));
    undecided(search(all[0]!.issue(host), all, [root]));
  });

  it('does not spend on issuers twice what it has found out once', () => {
    const keyPair = testAuthority().keyPair;
    const subject = 'level 1';
    const below = many(5, () => root.intermediate({ subject, keyPair }));
    const { paths, work } = search(below[0]!.issue(host), below, [root]);
    assert.equal(paths.length, 5);
    assert.equal(work.signatures, 10);
    assert.equal(work.lookups, 6);
  });

  it('ends chains at 24 certificates', () => {
    const top = testAuthority();
    let ca = top;
    const all: TestAuthority[] = [];
    for (let height = 0; height < 24; height++)
      all.push((ca = ca.intermediate({ subject: `CA ${height}` })));
    const endless = { maxDepth: 100 };
    assert.equal(search(all[22]!.issue(host), all, [top], endless).paths.length, 1);
    const { paths, fault } = search(all[23]!.issue(host), all, [top], endless);
    assert.deepEqual(paths, []);
    assert.equal(fault.error.code, 'ERR_CERTIFICATE_UNTRUSTED');
  });

  it('compares names and constraints no more over all chains than over one', () => {
    const keyPair = testAuthority().keyPair;
    const subject = 'issuing';
    const excluded = Array.from({ length: 600 }, (_, i) => ({ dnsName: `n${i}.evil.example` }));
    const all = many(4, () =>
      root.intermediate({ subject, keyPair, nameConstraints: { excluded } }),
    );
    const dnsNames = Array.from({ length: 150 }, (_, i) => `h${i}.example`);
    const leaf = all[0]!.issue({ dnsNames });
    const { paths, fault } = search(leaf, all, [root]);
    assert.equal(paths.length, 2);
    assert.equal(fault.error.code, 'ERR_CERTIFICATE_UNDECIDED');
  });

  it('costs no more among ten thousand anchors than among one', () => {
    const others = Array.from({ length: 100 }, () => testAuthority());
    const { paths, work } = search(root.issue(host), [], [...others, root]);
    assert.equal(paths.length, 1);
    assert.equal(work.signatures, 1);
  });
});
