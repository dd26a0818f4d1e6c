import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigError } from '../../../src/errors.ts';
import {
  type TestAuthority,
  type TestCertificate,
  testAuthority,
} from '../../../src/pki/testing.ts';
import {
  type PathValidation,
  type ValidatePathOptions,
  validatePath,
} from '../../../src/validate-path.ts';
import { openssl, temporaryDirectory } from '../../pki/openssl.ts';
import {
  type ListOptions,
  certificateIssuer,
  distributionPoints,
  entryOf,
  issuingPoint,
  listOf,
} from '../../support/crl.ts';

const now = new Date();
const current = (options: ListOptions = {}): ListOptions => ({
  thisUpdate: new Date(+now - 3_600_000),
  nextUpdate: new Date(+now + 86_400_000),
  ...options,
});
const list = (ca: TestAuthority, options?: ListOptions) => listOf(ca, current(options));
const names = (...certificates: readonly { readonly serialNumber: string }[]): ListOptions => ({
  entries: certificates.map((one) => entryOf(one)),
});

const root = testAuthority({ subject: 'root' });
const middle = root.intermediate({ subject: 'middle' });
const leaf = middle.issue();
const rootList = list(root);
const middleList = list(middle);

type Options = Partial<ValidatePathOptions>;

function validate(options: Options): Promise<PathValidation> {
  return validatePath({ leaf: leaf.cert, trustAnchors: root.cert, ...options });
}

async function assertValid(options: Options): Promise<void> {
  const answer = await validate(options);
  assert.ok(answer.valid, 'reason' in answer ? answer.reason : undefined);
}

async function assertInvalid(
  code: 'ERR_CERTIFICATE_REVOKED' | 'ERR_REVOCATION_UNKNOWN',
  reason: RegExp,
  options: Options,
  at?: { readonly serialNumber: string },
): Promise<void> {
  const answer = await validate(options);
  assert.ok(!answer.valid);
  assert.equal(answer.code, code, answer.reason);
  assert.match(answer.reason, reason);
  if (at !== undefined) assert.equal(answer.certificate?.serialNumber, at.serialNumber);
}

describe('validatePath with CRLs', () => {
  it('asks about every certificate below the anchor, and says of which', async () => {
    const revoked = 'ERR_CERTIFICATE_REVOKED';
    await assertValid({ crls: [rootList, middleList] });
    await assertInvalid(
      revoked,
      /^revoked \d{4}-.*Z \(unspecified\)$/,
      { crls: [rootList, list(middle, names(leaf))] },
      leaf,
    );
    await assertInvalid(revoked, /./, { crls: [list(root, names(middle)), middleList] }, middle);
    // What is revoked above says nothing reliable of what is below.
    const both = [list(root, names(middle)), list(middle, names(leaf))];
    await assertInvalid(revoked, /./, { crls: both }, middle);
    await assertValid({ crls: [list(root, names(root)), middleList] });
  });

  it('requires the state of each to be known, where CRLs are given', async () => {
    const unknown = 'ERR_REVOCATION_UNKNOWN';
    await assertInvalid(unknown, /no CRL about what "CN=middle"/, { crls: rootList }, leaf);
    await assertInvalid(unknown, /no CRL about what "CN=root"/, { crls: middleList }, middle);
    await assertInvalid(unknown, /no CRL/, { crls: [] });
    await assertInvalid(unknown, /no CRL/, { revocation: 'require' });
  });

  it('passes what is unknown, but not what is revoked, where it is only to prefer', async () => {
    await assertValid({ revocation: 'prefer' });
    await assertValid({ revocation: 'prefer', crls: rootList });
    const crls = list(middle, names(leaf));
    await assertInvalid('ERR_CERTIFICATE_REVOKED', /./, { revocation: 'prefer', crls });
  });

  it('does not look at CRLs where it is off, and is off where there are none', async () => {
    await assertValid({});
    await assertValid({ revocation: 'off', crls: [rootList, list(middle, names(leaf))] });
    await assert.rejects(validate({ revocation: 'on' as never }), ConfigError);
  });

  it('takes PEM with several in one text, DER, and lists of both', async () => {
    const pem = (der: Buffer) =>
      `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----\n`;
    await assertValid({ crls: `text${pem(rootList)}${pem(middleList)}` });
    await assertValid({ crls: [pem(rootList), middleList] });
    await assertValid({ crls: Buffer.from(pem(rootList) + pem(middleList)) });
  });

  it('passes over a CRL that it cannot read, and says so where it is missed', async () => {
    const broken = middleList.subarray(0, 50);
    await assertValid({ crls: [broken, rootList, middleList] });
    const reason = /no CRL about .*; a CRL is unreadable: malformed: /;
    await assertInvalid('ERR_REVOCATION_UNKNOWN', reason, { crls: [broken, rootList] });
    await assertInvalid('ERR_REVOCATION_UNKNOWN', reason, { crls: [rootList, 'no PEM'] });
    await assertInvalid('ERR_REVOCATION_UNKNOWN', reason, {
      // @ts-expect-error neither text nor bytes
      crls: [rootList, 7],
    });
  });

  it('judges lists by the instant that is asked about', async () => {
    const at = new Date(+now + 2 * 86_400_000);
    const longLived = root.issue({ notAfter: new Date(+now + 10 * 86_400_000) });
    const asked = { leaf: longLived.cert, crls: rootList };
    await assertValid(asked);
    await assertInvalid('ERR_REVOCATION_UNKNOWN', /ended/, { ...asked, at });
  });

  it('tries the next path where one is revoked, and reports the first fault', async () => {
    const second = testAuthority({ subject: 'root 2' });
    // The same CA, vouched for by two roots.
    const cross = second.intermediate({
      subject: 'middle',
      keyPair: middle.keyPair,
      // Of two that fit equally, the one that ends first comes last.
      notAfter: new Date(+now + 86_400_000),
    });
    const asked = {
      intermediates: [middle.cert, cross.cert],
      trustAnchors: [root.cert, second.cert],
      leaf: leaf.leaf,
    };
    const crls = [middleList, list(root, names(middle)), list(second)];
    const answer = await validate({ ...asked, crls });
    assert.ok(answer.valid, 'reason' in answer ? answer.reason : undefined);
    assert.equal(answer.path[1]?.serialNumber, cross.serialNumber);
    const none = [middleList, list(root, names(middle)), list(second, names(cross))];
    await assertInvalid('ERR_CERTIFICATE_REVOKED', /./, { ...asked, crls: none }, middle);
  });
});

describe('the signer of a CRL', () => {
  const unknown = 'ERR_REVOCATION_UNKNOWN';
  /** A key of middle's own that only signs CRLs. */
  const apart = root.intermediate({ subject: 'middle', keyUsage: ['cRLSign'], ca: false });
  const byApart = list(middle, { signWith: apart });

  it('may be another certificate of the same name under the same anchor', async () => {
    await assertValid({ intermediates: apart.cert, crls: [rootList, byApart] });
    await assertInvalid(unknown, /is not signed by anybody/, { crls: [rootList, byApart] }, leaf);
  });

  it('must be good itself', async () => {
    const asked = { intermediates: apart.cert };
    const crls = [list(root, names(apart)), byApart];
    await assertInvalid(unknown, /is not signed by anybody/, { ...asked, crls }, leaf);
  });

  it('must be for signing CRLs', async () => {
    const unfit = root.intermediate({ subject: 'middle', keyUsage: ['keyCertSign'] });
    const crls = [rootList, list(middle, { signWith: unfit })];
    await assertInvalid(unknown, /is not signed by/, { intermediates: unfit.cert, crls }, leaf);
  });

  it('must not have expired', async () => {
    const expired = root.intermediate({
      subject: 'middle',
      keyUsage: ['cRLSign'],
      notAfter: new Date(+now - 86_400_000),
    });
    const crls = [rootList, list(middle, { signWith: expired })];
    await assertInvalid(unknown, /is not signed by/, { intermediates: expired.cert, crls }, leaf);
  });

  it('must have a path to the same anchor', async () => {
    const second = testAuthority({ subject: 'root 2' });
    const foreign = second.intermediate({ subject: 'middle' });
    const asked = { trustAnchors: [root.cert, second.cert], intermediates: foreign.cert };
    const crls = [rootList, list(second), list(middle, { signWith: foreign })];
    await assertInvalid(unknown, /is not signed by anybody/, { ...asked, crls }, leaf);
  });

  it('may be covered by the list that it signs itself, and is revoked if it is on it', async () => {
    // As PKITS 4.14.30: a leaf whose CRL another issuer signs, whose own state is on that same list.
    const point = { crlIssuer: 'CRL issuer' };
    const extensions = [distributionPoints(point)];
    const crlIssuer = root.issue({ subject: 'CRL issuer', keyUsage: ['cRLSign'], extensions });
    const asked = root.issue({ extensions });
    const byItself = (...entries: readonly Buffer[]) =>
      list(root, {
        issuer: 'CRL issuer',
        signWith: crlIssuer,
        extensions: [issuingPoint({ indirect: true })],
        entries,
      });
    const byRoot = certificateIssuer({ directoryName: 'root' });
    const options = { leaf: asked.cert, intermediates: crlIssuer.cert };
    await assertValid({ ...options, crls: byItself() });
    const crls = byItself(entryOf(crlIssuer, byRoot));
    await assertInvalid(unknown, /is not signed by anybody/, { ...options, crls });
    await assertInvalid('ERR_CERTIFICATE_REVOKED', /./, {
      ...options,
      crls: byItself(entryOf(asked, byRoot)),
    });
  });

  it('does not make the question go round in circles', async () => {
    // Each of two signers is on a list that the other one signs.
    const keyUsage = ['cRLSign'] as const;
    const one = root.issue({
      subject: 'one',
      keyUsage,
      extensions: [distributionPoints({ crlIssuer: 'two' })],
    });
    const two = root.issue({
      subject: 'two',
      keyUsage,
      extensions: [distributionPoints({ crlIssuer: 'one' })],
    });
    const by = (issuer: string, signWith: TestCertificate) =>
      list(root, { issuer, signWith, extensions: [issuingPoint({ indirect: true })] });
    const asked = root.issue({ extensions: [distributionPoints({ crlIssuer: 'one' })] });
    await assertInvalid(unknown, /is not signed by anybody/, {
      leaf: asked.cert,
      intermediates: [one.cert, two.cert],
      crls: [by('one', one), by('two', two)],
    });
    // Nor does going round leave no time for a signer that is good, going by a list for it alone.
    const fullName = [{ uri: 'http://crl.example/' }];
    const extensions = [distributionPoints({ fullName })];
    const good = root.issue({ subject: 'one', keyUsage, extensions });
    await assertValid({
      leaf: asked.cert,
      intermediates: [one.cert, two.cert, good.cert],
      crls: [
        list(root, { extensions: [issuingPoint({ fullName })] }),
        by('one', good),
        by('two', two),
      ],
    });
  });

  it('is sought among a few only, whatever a peer sends along', async () => {
    const others = Array.from({ length: 20 }, () =>
      root.issue({ subject: 'middle', keyUsage: ['cRLSign'] }),
    );
    const among = (...some: readonly { readonly cert: string }[]) => ({
      intermediates: [...some, apart].map(({ cert }) => cert),
      crls: [rootList, byApart],
    });
    await assertValid(among(...others.slice(0, 5)));
    await assertInvalid(unknown, /is not signed by anybody/, among(...others));
  });
});

describe('openssl verify -crl_check_all', () => {
  const directory = temporaryDirectory();
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const pem = (der: Buffer) =>
    `-----BEGIN X509 CRL-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`;
  const rootFile = write('root.pem', root.cert);
  const middleFile = write('middle.pem', middle.cert);
  const leafFile = write('leaf.pem', leaf.leaf);

  const ended = { thisUpdate: new Date(+now - 7200_000), nextUpdate: new Date(+now - 3600_000) };
  const future = { thisUpdate: new Date(+now + 7200_000), nextUpdate: new Date(+now + 9200_000) };
  const reasons = issuingPoint({ reasons: [1] });
  const rows: Readonly<Record<string, readonly Buffer[]>> = {
    'good lists': [rootList, middleList],
    'no list of the root': [middleList],
    'no list of the CA below': [rootList],
    'a revoked leaf': [rootList, list(middle, names(leaf))],
    'a revoked CA': [list(root, names(middle)), middleList],
    'a list that has ended': [rootList, listOf(middle, ended)],
    'a list that has not begun': [rootList, listOf(middle, future)],
    'a broken signature': [rootList, list(middle, { tampered: true })],
    "another's signature": [rootList, list(middle, { signWith: root })],
    'a list for CAs only': [
      rootList,
      list(middle, { extensions: [issuingPoint({ only: 'caCerts' })] }),
    ],
    'a list for end entities only': [
      rootList,
      list(middle, { extensions: [issuingPoint({ only: 'userCerts' })] }),
    ],
    'a list for another point': [
      rootList,
      list(middle, { extensions: [issuingPoint({ fullName: [{ uri: 'http://x.example/' }] })] }),
    ],
    'a list for one reason': [rootList, list(middle, { extensions: [reasons] })],
    'a critical extension that is not known': [
      rootList,
      list(middle, { extensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) }] }),
    ],
  };
  for (const [what, crls] of Object.entries(rows)) {
    it(`answers as we do: ${what}`, async () => {
      const crlFile = write('crls.pem', crls.map(pem).join(''));
      const { ok, text } = openssl([
        ...['verify', '-crl_check_all', '-extended_crl', '-CAfile', rootFile],
        ...['-untrusted', middleFile, '-CRLfile', crlFile, leafFile],
      ]);
      const answer = await validate({ crls });
      assert.equal(answer.valid, ok, `${text}${'reason' in answer ? answer.reason : ''}`);
    });
  }
});
