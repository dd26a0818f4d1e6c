import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  type PathValidation,
  type ReferenceName,
  type ValidatePathOptions,
  validatePath,
} from '../../src/index.ts';
import { type TestAuthority, type TestCertificate, testAuthority } from '../../src/pki/testing.ts';
import { configError } from '../support/errors.ts';
import { anyPolicy, policyMappings } from '../support/policy-extensions.ts';

const root = testAuthority();
const issuing = root.intermediate();
const alice = issuing.issue({ dnsNames: ['alice.example'], usage: 'clientAuth' });
const good: ValidatePathOptions = { leaf: alice.cert, trustAnchors: root.cert };

/** The answer, with certificates by their DER. */
function brief(answer: PathValidation): unknown {
  return answer.valid
    ? { path: answer.path.map(({ der }) => Buffer.from(der)), policies: answer.policies }
    : { code: answer.code, certificate: answer.certificate && Buffer.from(answer.certificate.der) };
}
const ask = async (options: Partial<ValidatePathOptions>) =>
  brief(await validatePath({ ...good, ...options }));
const valid = (...path: readonly (TestAuthority | TestCertificate)[]) => ({
  path: path.map(({ der }) => der),
  policies: [],
});
const refused = (code: string, certificate?: { readonly der: Buffer }) => ({
  code,
  certificate: certificate?.der,
});

describe('validatePath', () => {
  it('answers the path, leaf first and anchor last', async () => {
    assert.deepEqual(await ask({}), valid(alice, issuing, root));
  });

  it('takes PEM and DER, one or several', async () => {
    for (const options of [
      { leaf: alice.der, intermediates: issuing.der, trustAnchors: root.der },
      { leaf: alice.leaf, intermediates: [issuing.cert], trustAnchors: [root.der] },
      { leaf: Buffer.from(alice.cert), trustAnchors: testAuthority().cert + root.cert },
      { leaf: new Uint8Array(alice.der), intermediates: [root.cert + issuing.cert] },
    ]) {
      assert.deepEqual(await ask(options), valid(alice, issuing, root));
    }
  });

  it('validates for the instant it is asked about', async () => {
    const year = 365 * 86_400_000;
    assert.deepEqual(await ask({ at: new Date() }), valid(alice, issuing, root));
    const then = new Date(Date.now() + year);
    assert.deepEqual(await ask({ at: then }), refused('ERR_CERTIFICATE_EXPIRED', alice));
    const before = new Date(Date.now() - year / 2);
    assert.deepEqual(await ask({ at: before }), refused('ERR_CERTIFICATE_NOT_YET_VALID', alice));
  });

  it('validates for the purpose it is asked about', async () => {
    for (const purpose of ['clientAuth', 'any'] as const) {
      assert.deepEqual(await ask({ purpose }), valid(alice, issuing, root));
    }
    const code = 'ERR_CERTIFICATE_USAGE';
    assert.deepEqual(await ask({ purpose: 'serverAuth' }), refused(code, alice));
  });

  it('counts intermediates', async () => {
    assert.deepEqual(await ask({ maxDepth: 1 }), valid(alice, issuing, root));
    const code = 'ERR_CERTIFICATE_UNDECIDED';
    assert.deepEqual(await ask({ maxDepth: 0 }), refused(code, issuing));
  });

  it('allows ten intermediates unless told otherwise', async () => {
    let ca = root;
    for (let i = 0; i < 10; i++) ca = ca.intermediate();
    assert.equal((await validatePath({ ...good, leaf: ca.issue().cert })).valid, true);
    const below = ca.intermediate().issue().cert;
    assert.equal((await validatePath({ ...good, leaf: below })).valid, false);
    assert.equal((await validatePath({ ...good, leaf: below, maxDepth: 11 })).valid, true);
  });

  it('asks for one of the names, and blames the leaf', async () => {
    const names = (...list: readonly ReferenceName[]) => ask({ names: list });
    assert.deepEqual(await names({ dnsName: 'Alice.example.' }), valid(alice, issuing, root));
    assert.deepEqual(
      await names({ ip: '::1' }, { dnsName: 'alice.example' }),
      valid(alice, issuing, root),
    );
    const code = 'ERR_CERTIFICATE_NAME';
    assert.deepEqual(await names({ dnsName: 'bob.example' }), refused(code, alice));
    // A path that is not valid is the greater fault.
    const stranger = await ask({
      names: [{ dnsName: 'bob.example' }],
      trustAnchors: testAuthority().cert,
    });
    assert.deepEqual(stranger, refused('ERR_CERTIFICATE_UNTRUSTED', issuing));
  });

  it('adds what browsers ask for, when told to', async () => {
    const leaf = issuing.issue({ usage: null });
    assert.deepEqual(await ask({ leaf: leaf.cert }), valid(leaf, issuing, root));
    const code = 'ERR_CERTIFICATE_EXTENSION';
    assert.deepEqual(await ask({ leaf: leaf.cert, profile: 'webpki' }), refused(code, leaf));
    assert.deepEqual(await ask({ profile: 'webpki' }), valid(alice, issuing, root));
  });

  it('obeys each option of policies, and answers those that are valid', async () => {
    const ca = root.intermediate({
      policies: ['1.2.3', '1.2.5', anyPolicy],
      extensions: [policyMappings([['1.2.3', '1.2.4']])],
    });
    const leaf = ca.issue({ policies: ['1.2.4', '1.2.6'] });
    const policies = async (given: ValidatePathOptions['policies'] & {}) => {
      const answer = await validatePath({ ...good, leaf: leaf.cert, policies: given });
      return answer.valid ? [...answer.policies].sort() : answer.code;
    };
    assert.deepEqual(await policies({}), ['1.2.3', '1.2.6']);
    assert.deepEqual(await policies({ initial: ['1.2.3'] }), ['1.2.3']);
    assert.deepEqual(await policies({ initial: [anyPolicy] }), ['1.2.3', '1.2.6']);
    assert.deepEqual(await policies({ initial: ['1.2.4'] }), []);
    const explicit = { requireExplicit: true, initial: ['1.2.4'] };
    assert.deepEqual(await policies(explicit), 'ERR_CERTIFICATE_POLICY');
    assert.deepEqual(await policies({ inhibitMapping: true }), ['1.2.4', '1.2.6']);
    assert.deepEqual(await policies({ inhibitAny: true }), ['1.2.3']);
    const off = { requireExplicit: false, inhibitMapping: false, inhibitAny: false };
    assert.deepEqual(await policies(off), ['1.2.3', '1.2.6']);
  });
});

describe('what validatePath cannot read', () => {
  const garbage = Buffer.from('30', 'hex');
  const damaged = Buffer.from(alice.der.subarray(0, -1));
  const malformed = refused('ERR_CERTIFICATE_MALFORMED');

  const leaves: readonly (readonly [what: string, leaf: unknown])[] = [
    ['nothing', ''],
    ['no bytes', Buffer.alloc(0)],
    ['text', 'certificate'],
    ['a key', alice.key],
    ['half a certificate', damaged],
    ['a sequence that ends at once', garbage],
    ['PEM that does not end', alice.leaf.slice(0, -10)],
    ['an empty list', []],
    ['a number', 1],
    ['null', null],
    ['an object', {}],
  ];
  for (const [what, leaf] of leaves) {
    it(`is no leaf: ${what}`, async () => {
      assert.deepEqual(await ask({ leaf: leaf as string }), malformed);
    });
  }

  it('is named by the first reason', async () => {
    const answer = await validatePath({ ...good, leaf: alice.leaf.slice(0, -10) });
    assert.match(answer.valid ? '' : answer.reason, /a PEM block without an end/);
    const nothing = await validatePath({ ...good, leaf: [] as never });
    assert.match(nothing.valid ? '' : nothing.reason, /nothing/);
  });

  it('is no hindrance where it is not needed', async () => {
    const intermediates = [garbage, 'text', damaged, issuing.der, 1 as unknown as string];
    assert.deepEqual(await ask({ leaf: alice.der, intermediates }), valid(alice, issuing, root));
    const trustAnchors = ['text', garbage, root.cert];
    assert.deepEqual(await ask({ trustAnchors }), valid(alice, issuing, root));
    const mixed = root.cert.replace(/\n.{4}/, '\nAAAA') + root.cert;
    assert.deepEqual(await ask({ trustAnchors: mixed }), valid(alice, issuing, root));
  });

  it('is the reason where it may have been the missing piece', async () => {
    assert.deepEqual(await ask({ leaf: alice.der, intermediates: garbage }), malformed);
    assert.deepEqual(await ask({ trustAnchors: 'text' }), malformed);
    const code = 'ERR_CERTIFICATE_SIGNATURE';
    const tampered = issuing.issue({ tampered: true });
    const both = { leaf: tampered.cert, intermediates: garbage };
    assert.deepEqual(await ask(both), refused(code, tampered));
  });

  it('trusts nobody where there is no anchor', async () => {
    const code = 'ERR_CERTIFICATE_UNTRUSTED';
    assert.deepEqual(await ask({ trustAnchors: [] }), refused(code, issuing));
  });

  it('never makes it reject, whatever the bytes', async () => {
    const { der } = issuing;
    const mutated = fc
      .tuple(
        fc.constantFrom(alice.der, der, root.der),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat(),
      )
      .map(([bytes, changes, cut]) => {
        const copy = Buffer.from(bytes);
        for (const [at, value] of changes) copy[at % copy.length] = value;
        return cut % 5 === 0 ? copy.subarray(0, cut % copy.length) : copy;
      });
    const pem = fc
      .tuple(fc.constantFrom(alice.cert, root.cert), fc.nat(), fc.string())
      .map(
        ([text, at, more]) => text.slice(0, at % text.length) + more + text.slice(at % text.length),
      );
    const source = fc.oneof(mutated, fc.uint8Array({ maxLength: 64 }), pem, fc.string(), mutated);
    await fc.assert(
      fc.asyncProperty(
        source,
        source,
        source,
        fc.nat({ max: 2 }),
        async (leaf, between, anchor, place) => {
          const answer = await validatePath({
            leaf: place === 0 ? leaf : alice.der,
            intermediates: place === 1 ? [between, leaf] : [issuing.der, between],
            trustAnchors: place === 2 ? [anchor, leaf] : root.der,
          });
          assert.equal(typeof answer.valid, 'boolean');
          if (answer.valid) return;
          assert.match(answer.code, /^ERR_CERTIFICATE_/);
          assert.ok(answer.reason.length < 300);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('never makes it reject, whatever the names in a signed certificate', async () => {
    const text = fc.uint8Array({ maxLength: 8 });
    const type = fc.constantFrom('CN', 'emailAddress', '1.2.3', 'O');
    const as = fc.constantFrom('utf8', 'printable', 'bmp', 'universal', 'teletex', 'ia5' as const);
    const name = fc.array(fc.record({ type, value: text, as }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(name, name, text, async (subject, above, host) => {
        const ca = root.intermediate({
          subject: above,
          nameConstraints: { permitted: [{ email: 'a.example' }, { directoryName: subject }] },
        });
        const leaf = ca.issue({ subject, dnsNames: [host], emails: [host], uris: [host] });
        for (const trustAnchors of [root.der, ca.der]) {
          const answer = await validatePath({ leaf: leaf.cert, trustAnchors });
          assert.equal(typeof answer.valid, 'boolean');
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the options of validatePath', () => {
  const rows: readonly (readonly [options: object, path: string, message: RegExp])[] = [
    [{ leafs: '' }, 'validatePath.leafs', /Did you mean `leaf`\?/],
    [{ trustAnchor: '' }, 'validatePath.trustAnchor', /Did you mean `trustAnchors`\?/],
    [{ crl: '' }, 'validatePath.crl', /is not an option/],
    [{ leaf: undefined }, 'validatePath.leaf', /is undefined/],
    [{ at: undefined }, 'validatePath.at', /is undefined/],
    [{ at: '2030-01-01' }, 'validatePath.at', /must be a Date/],
    [{ at: Date.now() }, 'validatePath.at', /must be a Date/],
    [{ at: new Date(Number.NaN) }, 'validatePath.at', /must be a Date/],
    [{ purpose: 'client' }, 'validatePath.purpose', /one of 'clientAuth', 'serverAuth', 'any'/],
    [{ purpose: 'ocspSigning' }, 'validatePath.purpose', /must be one of/],
    [{ profile: 'browser' }, 'validatePath.profile', /one of 'rfc5280', 'webpki'/],
    [{ maxDepth: -1 }, 'validatePath.maxDepth', /from 0 to 20/],
    [{ maxDepth: 21 }, 'validatePath.maxDepth', /from 0 to 20/],
    [{ maxDepth: 1.5 }, 'validatePath.maxDepth', /a whole number/],
    [{ maxDepth: '1' }, 'validatePath.maxDepth', /a whole number/],
    [{ names: [] }, 'validatePath.names', /leave it out/],
    [{ names: { dnsName: 'a' } }, 'validatePath.names', /must be a list/],
    [{ names: [{ dnsName: 'a' }, { dnsName: '*.a' }] }, 'validatePath.names[1]', /is no dnsName/],
    [{ policies: { initials: [] } }, 'validatePath.policies.initials', /Did you mean `initial`\?/],
    [{ policies: [] }, 'validatePath.policies', /must be a plain object/],
    [{ policies: { initial: undefined } }, 'validatePath.policies.initial', /is undefined/],
    [{ policies: { initial: '1.2.3' } }, 'validatePath.policies.initial', /a list of OIDs/],
    [{ policies: { initial: ['1.2.3', 'x'] } }, 'validatePath.policies.initial', /a list of OIDs/],
    [{ policies: { initial: ['1.02.3'] } }, 'validatePath.policies.initial', /a list of OIDs/],
    [{ policies: { initial: ['3.2'] } }, 'validatePath.policies.initial', /a list of OIDs/],
    [{ policies: { initial: ['1'] } }, 'validatePath.policies.initial', /a list of OIDs/],
    [{ policies: { initial: ['x1.2'] } }, 'validatePath.policies.initial', /a list of OIDs/],
    [{ policies: { initial: ['1.2x'] } }, 'validatePath.policies.initial', /a list of OIDs/],
    [{ policies: { initial: [1.2] } }, 'validatePath.policies.initial', /a list of OIDs/],
    [
      { policies: { requireExplicit: 'yes' } },
      'validatePath.policies.requireExplicit',
      /true or false/,
    ],
    [{ policies: { inhibitAny: 0 } }, 'validatePath.policies.inhibitAny', /true or false/],
  ];
  for (const [options, path, message] of rows) {
    it(`refuse ${JSON.stringify(options)}`, async () => {
      await assert.rejects(validatePath({ ...good, ...options }), configError(path, message));
    });
  }

  it('must be an object', async () => {
    await assert.rejects(validatePath('leaf' as never), configError('validatePath'));
  });

  it('take the extremes', async () => {
    for (const maxDepth of [1, 20])
      assert.deepEqual(await ask({ maxDepth }), valid(alice, issuing, root));
    assert.deepEqual(await ask({ policies: { initial: [] } }), valid(alice, issuing, root));
  });
});
