// What an attacker on the way, or one with a key of another kind, does to a signed message. Against the
// engine: age, replay and key states are for those that use it.
import assert from 'node:assert/strict';
import { createHmac, createSecretKey } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  type RequestMessage,
  type ResponseMessage,
  checkDigest,
  signMessage,
  signatureBase,
  verifyMessage,
} from 'countersign/signature';
import { AuthError } from '../../src/errors.ts';
import { authError, configError } from '../support/errors.ts';
import {
  everything,
  parameters,
  payment,
  signatureKeys,
  signed,
  withFields,
} from '../support/signatures.ts';

const { signer, verifier: key } = signatureKeys('ed25519');
const request = signed(payment, signer);
const field = (name: string): string => (request.headers as Record<string, string>)[name]!;
const [input, signature] = [field('signature-input'), field('signature')];
const options = { key, required: everything, tag: parameters.tag };
const invalid = authError('ERR_SIGNATURE_INVALID');
const malformed = authError('ERR_SIGNATURE_MALFORMED');

describe('S3: the content', () => {
  it('is another one than was signed', () => {
    const verified = verifyMessage(request, options);
    assert.ok(verified.covers('content-digest'));
    checkDigest(field('content-digest'), '{"amount":5}');
    for (const other of ['{"amount":500}', '', '{"amount":5} ', '{"amount": 5}']) {
      assert.throws(
        () => checkDigest(field('content-digest'), other),
        authError('ERR_DIGEST_MISMATCH'),
      );
    }
  });

  it('has another digest than was signed, or a second one', () => {
    const other = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:';
    for (const digest of [other, `${field('content-digest')}, md5=:YQ==:`]) {
      assert.throws(
        () => verifyMessage(withFields(request, { 'content-digest': digest }), options),
        invalid,
      );
    }
  });

  it('has a digest that nobody signed', () => {
    const loose = signed(payment, signer, ['@method', '@authority', '@path', '@query']);
    assert.throws(() => verifyMessage(loose, options), authError('ERR_SIGNATURE_COVERAGE'));
  });
});

describe('S4: the request', () => {
  const changes: readonly (readonly [what: string, change: Partial<RequestMessage>])[] = [
    ['another method', { method: 'PUT' }],
    ['the method in lower case', { method: 'post' }],
    ['another host', { url: payment.url.replace('bank', 'evil') }],
    ['another port', { url: payment.url.replace('example', 'example:8443') }],
    ['another path', { url: payment.url.replace('/7/', '/8/') }],
    ['a path in capitals', { url: payment.url.replace('/pay', '/PAY') }],
    ['dot segments', { url: payment.url.replace('/7/', '/x/../7/') }],
    ['a double slash', { url: payment.url.replace('/7/', '//7/') }],
    ['percent-encoding', { url: payment.url.replace('/pay', '/p%61y') }],
    ['another query', { url: payment.url.replace('amount=5', 'amount=50') }],
    ['the query in another order', { url: payment.url.replace('to=8&amount=5', 'amount=5&to=8') }],
    ['a parameter more', { url: `${payment.url}&to=9` }],
    ['no query', { url: payment.url.replace(/\?.*/, '') }],
    ['an encoded question mark', { url: payment.url.replace('?', '%3F') }],
  ];
  for (const [what, change] of changes) {
    it(`has ${what}`, () => {
      assert.throws(() => verifyMessage({ ...request, ...change }, options), invalid);
    });
  }

  it('has the same authority in another spelling, which is the same', () => {
    const url = payment.url
      .replace('https://api.bank', 'HTTPS://API.bank')
      .replace('.example', '.example:443');
    verifyMessage({ ...request, url }, options);
  });

  it('has a field changed, removed or doubled', () => {
    const types = [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json, text/plain' },
    ];
    for (const change of types) {
      assert.throws(() => verifyMessage(withFields(request, change), options), invalid);
    }
    const { 'content-type': _, ...others } = request.headers;
    assert.throws(() => verifyMessage({ ...request, headers: others }, options), malformed);
  });
});

describe('S5: the covered components', () => {
  const inputs: readonly (readonly [what: string, from: string, to: string])[] = [
    ['one removed', ' "@query"', ''],
    ['two exchanged', '"@method" "@authority"', '"@authority" "@method"'],
    ['one twice', '"@method"', '"@method" "@method"'],
    ['a field renamed', '"content-type"', '"date"'],
    ['a parameter on a field: ;sf', '"content-digest"', '"content-digest";sf'],
    ['a parameter on a field: ;bs', '"content-digest"', '"content-digest";bs'],
    ['a parameter on a field: ;key', '"content-digest"', '"content-digest";key="sha-256"'],
    ['a parameter on a field: ;tr', '"content-type"', '"content-type";tr'],
    ['a parameter on a field: ;req', '"content-type"', '"content-type";req'],
    ['an unknown parameter', '"content-type"', '"content-type";x'],
    ['an unknown component', '"@query"', '"@fragment"'],
    ['the parameters themselves', '"@query"', '"@signature-params"'],
    ['another instant', 'created=1618884473', 'created=1918884473'],
    ['another nonce', 'b3k2pp5k7z', 'c3k2pp5k7z'],
    ['an unknown signature parameter', ';nonce', ';foo;nonce'],
    ['a parameter twice', ';nonce', ';created=1;nonce'],
    ['an instant as text', 'created=1618884473', 'created="1618884473"'],
  ];
  for (const [what, from, to] of inputs) {
    it(`have ${what}`, () => {
      assert.ok(input.includes(from));
      const changed = withFields(request, { 'signature-input': input.replace(from, to) });
      assert.throws(
        () => verifyMessage(changed, options),
        (error) =>
          error instanceof AuthError &&
          ['ERR_SIGNATURE_INVALID', 'ERR_SIGNATURE_MALFORMED', 'ERR_FIELD_MALFORMED'].includes(
            error.code,
          ),
      );
    });
  }

  it('are the request for a response, and do not pass for the response itself', () => {
    const response: ResponseMessage = {
      status: 200,
      headers: { ...payment.headers },
      request: payment,
    };
    const components = ['@status', 'content-digest;req', 'content-type;req'];
    const answer = withFields(response, signMessage(response, { components, signer }));
    for (const required of [['content-digest'], ['content-type;tr'], ['content-digest;sf;req']]) {
      assert.throws(
        () => verifyMessage(answer, { key, required }),
        authError('ERR_SIGNATURE_COVERAGE'),
      );
    }
    const other = {
      ...answer,
      request: signed(
        { ...payment, headers: { ...payment.headers, 'content-type': 'a/b' } },
        signer,
      ),
    };
    assert.throws(() => verifyMessage(other, { key, required: components }), invalid);
  });

  it('are none at all', () => {
    const empty = signed(payment, signer, []);
    assert.throws(() => verifyMessage(empty, options), authError('ERR_SIGNATURE_COVERAGE'));
  });

  it('are moved from one line to another by a line break', () => {
    const torn = { ...payment, headers: { ...payment.headers, 'content-type': 'a\n"date": b' } };
    assert.throws(() => signed(torn, signer), configError('components'));
    assert.throws(
      () => verifyMessage(withFields(request, { 'content-type': 'a\n"date": b' }), options),
      malformed,
    );
  });

  it('are spelt otherwise, and are the same', () => {
    const spaced = withFields(request, {
      'signature-input': input.replace('("@method" ', '(  "@method"  '),
    });
    verifyMessage(spaced, options);
  });
});

describe('S6: the algorithm', () => {
  it('is HMAC with the public key as its secret', () => {
    for (const format of ['pem', 'der'] as const) {
      const bytes = Buffer.from(
        key.key.export({ type: 'spki', format } as { type: 'spki'; format: 'der' }),
      );
      const base = signatureBase(payment, { components: everything, parameters });
      const forged = createHmac('sha256', bytes).update(base).digest('base64');
      const message = withFields(request, { signature: `sig=:${forged}:` });
      assert.throws(() => verifyMessage(message, options), invalid);
      // Not even where the service itself mixes them up.
      const mixed = [
        { algorithm: 'hmac-sha256', key: key.key },
        { algorithm: 'hmac-sha256', key: createSecretKey(bytes) },
      ] as const;
      for (const one of mixed) {
        assert.throws(
          () => verifyMessage(message, { ...options, key: one }),
          configError('key.key'),
        );
      }
    }
  });

  it('is named by the message, and not the one of the key', () => {
    for (const alg of ['hmac-sha256', 'rsa-v1_5-sha256', 'none', '']) {
      const components = everything;
      const named = { ...parameters, alg };
      const base = signatureBase(payment, { components, parameters: named });
      const honest = { algorithm: 'ed25519', sign: () => new Uint8Array(64) } as const;
      assert.throws(
        () => signMessage(payment, { components, parameters: named, signer: honest }),
        configError('parameters.alg'),
      );
      const text = base.slice(base.lastIndexOf('("@method"'));
      const message = withFields(request, { 'signature-input': `sig=${text}` });
      assert.throws(
        () => verifyMessage(message, options),
        authError('ERR_SIGNATURE_INVALID', /names the algorithm/),
      );
    }
  });

  it('is that of another key with the same id', () => {
    const other = signatureKeys('ecdsa-p256-sha256');
    assert.throws(() => verifyMessage(signed(payment, other.signer), options), invalid);
  });

  it('has a signature cut or lengthened', () => {
    const bytes = Buffer.from(signature.slice(5, -1), 'base64');
    for (const other of [bytes.subarray(1), Buffer.concat([bytes, Buffer.of(0)]), Buffer.of()]) {
      const message = withFields(request, { signature: `sig=:${other.toString('base64')}:` });
      assert.throws(() => verifyMessage(message, options), invalid);
    }
  });
});

describe('S7: labels', () => {
  const forger = signatureKeys('ed25519');
  const forged = (label: string): RequestMessage =>
    withFields(
      request,
      signMessage(request, { label, components: everything, parameters, signer: forger.signer }),
    );

  it('are two, one good and one bad, and nobody picks the good one', () => {
    assert.throws(() => verifyMessage(forged('z'), options), malformed);
    assert.equal(verifyMessage(forged('z'), { ...options, label: 'sig' }).label, 'sig');
    assert.throws(() => verifyMessage(forged('z'), { ...options, label: 'z' }), invalid);
  });

  const mixes: readonly (readonly [what: string, input: string, signature: string])[] = [
    ['of Signature-Input alone', `${input}, x=()`, signature],
    ['of Signature alone', input, `${signature}, x=:YQ==:`],
    ['that differ', input, signature.replace('sig=', 'x=')],
    ['without Signature', input, ''],
    ['without Signature-Input', '', signature],
    ['in capitals', input.replace('sig=', 'Sig='), signature],
    ['twice in Signature-Input', `${input}, ${input}`, signature],
    ['twice in Signature', input, `${signature}, ${signature}`],
    ['twice in Signature, the first one forged', input, `sig=:YQ==:, ${signature}`],
    ['of a signature that is text', input, 'sig="YQ=="'],
    ['of a signature that is a list', input, 'sig=(:YQ==:)'],
    ['of a signature with parameters', input, `${signature};x`],
    ['of components that are no list', 'sig="@method"', signature],
  ];
  for (const [what, changedInput, changedSignature] of mixes) {
    it(`are ${what}`, () => {
      const fields = { 'signature-input': changedInput, signature: changedSignature };
      assert.throws(
        () => verifyMessage(withFields(request, fields), options),
        (error) => error instanceof AuthError && error.status === 400,
      );
    });
  }

  it('are exchanged between two signatures of one key', () => {
    const two = withFields(
      request,
      signMessage(request, { label: 'x', components: ['@method'], signer }),
    );
    const { 'signature-input': inputs, signature: values } = two.headers as Record<string, string>;
    const fields = {
      'signature-input': inputs!,
      signature: values!.replace('sig=', 'y=').replace('x=', 'sig=').replace('y=', 'x='),
    };
    for (const label of ['sig', 'x']) {
      assert.throws(
        () => verifyMessage(withFields(two, fields), { key, label, required: [] }),
        invalid,
      );
    }
  });
});

describe('S8: the signature', () => {
  it('is for another server', () => {
    const url = payment.url.replace('api.', 'other.');
    assert.throws(() => verifyMessage({ ...request, url }, options), invalid);
  });

  it('is for another purpose', () => {
    assert.throws(
      () => verifyMessage(request, { ...options, tag: 'countersign-response' }),
      authError('ERR_CREDENTIAL_MISSING'),
    );
    const retagged = input.replace('countersign-request', 'countersign-response');
    assert.throws(
      () =>
        verifyMessage(withFields(request, { 'signature-input': retagged }), {
          ...options,
          tag: 'countersign-response',
        }),
      invalid,
    );
  });
});

describe('S10: sizes', () => {
  const sizes: readonly (readonly [what: string, input: string, signature: string])[] = [
    ['10,000 labels', labels((i) => `a${i}=()`), labels((i) => `a${i}=:YQ==:`)],
    ['17 labels', labels((i) => `a${i}=()`, 17), labels((i) => `a${i}=:YQ==:`, 17)],
    ['a field of a megabyte', `sig=("${'a'.repeat(1_000_000)}")`, signature],
    ['a signature of a megabyte', input, `sig=:${'A'.repeat(1_000_000)}:`],
    [
      '200 components',
      `sig=(${labels((i) => `"a${i}"`, 200, ' ')});tag="${parameters.tag}"`,
      signature,
    ],
    ['1,000 parameters', `sig=("@method"${labels((i) => `;a${i}`, 1000, '')})`, signature],
    ['1,000 brackets', `sig=${'('.repeat(1000)}`, signature],
    ['10,000 lines', '', signature],
  ];
  for (const [what, hugeInput, hugeSignature] of sizes) {
    it(`are ${what}`, () => {
      const lines =
        what === '10,000 lines' ? Array.from({ length: 10_000 }, () => input) : [hugeInput];
      const headers = { ...request.headers, 'signature-input': lines, signature: hugeSignature };
      const start = performance.now();
      assert.throws(
        () => verifyMessage({ ...request, headers }, options),
        (error) => error instanceof AuthError && (error.status === 400 || error.status === 431),
      );
      assert.ok(performance.now() - start < 100);
    });
  }

  it('are one large field, covered in all its forms', () => {
    const large = labels((i) => `a${i}=1`, 1000);
    const items = labels((i) => `"x-dict";key="a${i}"`, 100, ' ');
    const headers = {
      ...request.headers,
      'x-dict': large,
      'signature-input': `sig=(${items})`,
    };
    const start = performance.now();
    assert.throws(
      () =>
        verifyMessage(
          { ...request, headers },
          { key, required: [], structuredFields: { 'x-dict': 'dictionary' } },
        ),
      invalid,
    );
    assert.ok(performance.now() - start < 500);
  });

  it('are a base beyond what anybody signs', () => {
    const headers = {
      ...request.headers,
      'x-a': 'a'.repeat(1_000_000),
      'x-b': 'b'.repeat(100_000),
      'signature-input': 'sig=("x-a" "x-b")',
    };
    assert.throws(() => verifyMessage({ ...request, headers }, { key, required: [] }), malformed);
  });
});

function labels(one: (i: number) => string, count = 10_000, separator = ', '): string {
  return Array.from({ length: count }, (_, i) => one(i)).join(separator);
}
