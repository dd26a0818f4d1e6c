// What the attacker has: a certificate that was revoked, with its key, and CRLs of their own making or
// choosing. What must happen: the path is refused, also where nothing reliable is known.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testAuthority } from '../../src/pki/testing.ts';
import { validatePath } from '../../src/index.ts';
import { changesTo, crlNumber, entryOf, issuingPoint, listOf, reason } from '../support/crl.ts';
import { authority, day, impostor } from '../support/pki.ts';

const now = Date.now();
const stolen = authority.issue();
const good = authority.issue();
const thisUpdate = new Date(now - 3_600_000);
const nextUpdate = new Date(now + day);
const list = (options?: Parameters<typeof listOf>[1], ca = authority): Buffer =>
  listOf(ca, { thisUpdate, nextUpdate, ...options });
const revoking = { entries: [entryOf(stolen)] };

async function codeFor(
  leaf: { readonly cert: string },
  crls: readonly (Buffer | string)[],
): Promise<string> {
  const options = { leaf: leaf.cert, trustAnchors: authority.cert, crls };
  const answer = await validatePath({ ...options, revocation: 'require' });
  return answer.valid ? 'valid' : answer.code;
}

describe('C7: a revoked certificate', () => {
  const revoked: Readonly<Record<string, readonly Buffer[]>> = {
    'on the list of its issuer': [list(revoking)],
    'on hold': [list({ entries: [entryOf(stolen, reason(6))] })],
    'on a list of some reasons only': [
      list({ ...revoking, extensions: [issuingPoint({ reasons: [1] })] }),
    ],
    'on the changes to the list': [
      list({ extensions: [crlNumber(1)] }),
      list({ ...revoking, extensions: [crlNumber(2), changesTo(1)] }),
    ],
    'on the list that an impostor adds a good one to': [
      list(revoking),
      list({ signWith: impostor, thisUpdate: new Date(now - 1000) }),
      list({}, impostor),
    ],
    'on the list that it adds an older one to': [
      list({ thisUpdate: new Date(now - day) }),
      list(revoking),
    ],
    'that an impostor claims to release': [
      list({ ...revoking, extensions: [crlNumber(1)] }),
      list({
        entries: [entryOf(stolen, reason(8))],
        extensions: [crlNumber(2), changesTo(1)],
        signWith: impostor,
      }),
    ],
  };
  for (const [what, crls] of Object.entries(revoked)) {
    it(`is refused: ${what}`, async () => {
      assert.equal(await codeFor(stolen, crls), 'ERR_CERTIFICATE_REVOKED');
      assert.equal(await codeFor(stolen, crls.toReversed()), 'ERR_CERTIFICATE_REVOKED');
    });
  }

  it('is refused under a revoked CA, whatever that CA says', async () => {
    const below = authority.intermediate();
    const crls = [list({ entries: [entryOf(below)] }), list({}, below)];
    assert.equal(await codeFor(below.issue(), crls), 'ERR_CERTIFICATE_REVOKED');
  });
});

describe('C9: a CRL that proves nothing', () => {
  const unknown: Readonly<Record<string, readonly (Buffer | string)[]>> = {
    'none at all': [],
    'one that has ended': [list({ thisUpdate: new Date(now - 2 * day), nextUpdate: thisUpdate })],
    'one that has not begun': [list({ thisUpdate: nextUpdate })],
    'one that never ends': [list({ nextUpdate: null })],
    'one that another has signed': [list({ signWith: impostor })],
    'one that the peer has signed': [list({ signWith: stolen })],
    'one with a broken signature': [list({ tampered: true })],
    'one signed with SHA-1': [list({ hash: 'sha1' })],
    'one of another CA': [list({}, testAuthority())],
    'one about other certificates': [list({ extensions: [issuingPoint({ only: 'caCerts' })] })],
    'one about some reasons': [list({ extensions: [issuingPoint({ reasons: [1, 2] })] })],
    'only the changes to one': [list({ extensions: [crlNumber(2), changesTo(1)] })],
    'one with a critical extension that nobody knows': [
      list({ extensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) }] }),
    ],
    'one that is cut short': [list().subarray(0, -1)],
    'one that is none': ['-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n'],
  };
  for (const [what, crls] of Object.entries(unknown)) {
    it(`is as good as none: ${what}`, async () => {
      assert.equal(await codeFor(good, crls), 'ERR_REVOCATION_UNKNOWN');
    });
  }

  it('accuses nobody but the serial number that it names', async () => {
    assert.equal(await codeFor(good, [list(revoking)]), 'valid');
  });
});
