import assert from 'node:assert/strict';
import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import {
  type Message,
  type RequestMessage,
  type ResponseMessage,
  type SignatureAlgorithm,
  checkDigest,
  signMessage,
  signatureBase,
  verifyMessage,
} from 'countersign/signature';
import { parseDictionary } from '../../src/http/structured-fields/parse.ts';
import { isInnerList } from '../../src/http/structured-fields/values.ts';
import { componentsOf } from '../../src/http/message-signatures/components.ts';
import { readParameters } from '../../src/http/message-signatures/parameters.ts';
import { authError } from '../support/errors.ts';
import { describeVectors } from '../support/vectors.ts';

interface RawMessage {
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly type: 'request' | 'response';
  readonly method?: string;
  readonly target?: string;
  readonly status?: number;
}

interface Example {
  readonly id: string;
  readonly note: string | null;
  readonly message: RawMessage;
  readonly request: RawMessage | null;
  readonly label: string;
  readonly signature_input: string;
  readonly signature: string;
  readonly expected_base: string | null;
  readonly keyid: string;
  readonly alg: SignatureAlgorithm;
  readonly expected: 'valid' | 'invalid';
}

const deterministic = new Set<SignatureAlgorithm>(['hmac-sha256', 'ed25519', 'rsa-v1_5-sha256']);

describeVectors('the examples of RFC 9421', 'rfc9421', (folder) => {
  const examples = readJson(folder, 'rfc-examples.json') as readonly Example[];
  const keys = readKeys(folder);
  assert.equal(examples.length, 18);

  for (const example of examples) {
    const { id, note, label, alg, keyid, expected } = example;
    const name = `${id}${note === null ? '' : ` (${note})`}`;
    const message = messageOf(example.message, example.request);
    const { components, parameters } = signedBy(example);
    const pair = keys[keyid]!;
    const key = { algorithm: alg, key: pair.verify };

    it(`${name}: has the base that the RFC prints`, () => {
      if (expected === 'invalid') return;
      const base = signatureBase(message, { components, parameters });
      // The RFC does not print the one of the client in section 4.3.
      if (example.expected_base !== null) assert.equal(base, example.expected_base);
    });

    it(`${name}: ${expected === 'valid' ? 'verifies' : 'is refused'}`, () => {
      const verify = () => verifyMessage(message, { label, key, required: components });
      if (expected === 'invalid') return assert.throws(verify, authError('ERR_SIGNATURE_INVALID'));
      const verified = verify();
      assert.equal(verified.label, label);
      assert.deepEqual(verified.components, components);
      assert.deepEqual(verified.parameters, parameters);
      assert.equal(verified.parameters.keyid, keyid);
    });

    if (expected !== 'valid') continue;

    it(`${name}: is signed ${deterministic.has(alg) ? 'byte for byte' : 'anew'}`, () => {
      const unsigned = { ...message, headers: withoutSignatures(message) };
      const signer = { algorithm: alg, key: pair.sign };
      const fields = signMessage(unsigned, { label, components, parameters, signer });
      assert.equal(fields['signature-input'], memberText(example.signature_input, label));
      if (deterministic.has(alg)) {
        assert.equal(fields.signature, memberText(example.signature, label));
      }
      const signed = { ...message, headers: { ...withoutSignatures(message), ...fields } };
      assert.equal(verifyMessage(signed, { key, required: components }).key, key);
    });
  }

  it('B.3: Client-Cert is covered, so the proxy vouches for the certificate', () => {
    const example = examples.find(({ id }) => id === 'B.3')!;
    const message = messageOf(example.message, null) as RequestMessage;
    const key = { algorithm: example.alg, key: keys[example.keyid]!.verify };
    const verified = verifyMessage(message, { key, label: 'ttrp', required: ['client-cert'] });
    assert.ok(verified.covers('client-cert'));
    const headers = { ...withoutSignatures(message), ...signatureFields(example) };
    const other = { ...message, headers: { ...headers, 'client-cert': ':AAAA:' } };
    assert.throws(
      () => verifyMessage(other, { key, required: ['client-cert'] }),
      authError('ERR_SIGNATURE_INVALID'),
    );
  });

  it('4.3: the proxy signs beside the client, and either can be verified', () => {
    const example = examples.find(({ id }) => id === '4.3-proxy')!;
    const message = messageOf(example.message, null);
    const proxy = { algorithm: 'rsa-v1_5-sha256', key: keys['test-key-rsa']!.verify } as const;
    assert.throws(
      () => verifyMessage(message, { key: proxy, required: [] }),
      authError('ERR_SIGNATURE_MALFORMED', /several/),
    );
    const verified = verifyMessage(message, { key: proxy, label: 'proxy_sig', required: [] });
    assert.equal(verified.parameters.expires, 1_618_884_540);
  });

  for (const example of examples) {
    const digest = example.message.headers.find(([name]) => name === 'Content-Digest')?.[1];
    if (digest === undefined || example.expected === 'invalid') continue;
    it(`${example.id}: has the content that its digest says`, () => {
      // One of them comes with an empty line too many before its content.
      checkDigest(digest, example.message.body.replace(/^\n/, ''));
    });
  }
});

describeVectors('the snippets of RFC 9421 section 2', 'rfc9421', (folder) => {
  const snippets = (
    readJson(folder, 'rfc-section2-snippets.json') as readonly { readonly text: string }[]
  ).map(({ text }) => text.replaceAll('(SP)', ' '));
  assert.equal(snippets.length, 60);

  // A message, and what becomes of it. Section 2.1's own lines come without a start line.
  const table: readonly (readonly [message: number, base: number, https?: 'http'])[] = [
    [0, 1],
    [2, 3],
    [4, 5],
    [4, 6],
    [7, 8],
    [9, 11],
    [9, 12],
    [10, 11],
    [10, 13],
    [14, 15],
    [16, 18],
    [19, 21],
    [22, 24],
    [25, 27, 'http'],
    [28, 30],
    [31, 33],
    [34, 36],
    [37, 39],
    [40, 42],
    [43, 45],
    [46, 48],
    [51, 52],
    [53, 54],
    [56, 58],
  ];
  for (const [from, to, scheme = 'https'] of table) {
    const expected = snippets[to]!;
    it(`${from}: ${expected.split('\n')[0]}`, () => {
      const message = parseSnippet(snippets[from]!, scheme);
      const components = expected
        .split('\n')
        .map((line) =>
          line.slice(0, line.indexOf(': ') < 0 ? line.length - 1 : line.indexOf(': ')),
        );
      const base = signatureBase(message, {
        components,
        structuredFields: { 'example-dict': 'dictionary' },
      });
      assert.equal(base.slice(0, base.lastIndexOf('\n"@signature-params"')), expected);
    });
  }

  it('50: a request without a query', () => {
    const message = { method: 'GET', url: 'https://www.example.com/path', headers: {} };
    const base = signatureBase(message, { components: ['@query'] });
    assert.equal(base.split('\n')[0], snippets[50]);
  });

  it('55: is never built, since the values are encoded', () => {
    const message = parseSnippet(snippets[53]!, 'https');
    assert.throws(
      () => signatureBase(message, { components: ['@query-param;name="fa\u00e7ade\\": "'] }),
      /no component/,
    );
  });

  it('59: the parameters stand in their order', () => {
    const headers = { date: 'x', 'cache-control': 'x' };
    const message = { method: 'GET', url: 'https://www.example.com/', headers };
    const base = signatureBase(message, {
      components: ['@target-uri', '@authority', 'date', 'cache-control'],
      parameters: {
        keyid: 'test-key-rsa-pss',
        alg: 'rsa-pss-sha512',
        created: 1_618_884_475,
        expires: 1_618_884_775,
      },
    });
    assert.equal(base.split('\n').at(-1), `"@signature-params": ${snippets[59]}`);
  });
});

function readJson(folder: string, file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

function readKeys(
  folder: string,
): Readonly<Record<string, { verify: KeyObject; sign: KeyObject }>> {
  const jwks = readJson(join(folder, 'keys'), 'jwk.json') as Record<string, JsonWebKey>;
  const pairs = Object.entries(jwks)
    .filter(([, { kty }]) => kty !== 'oct')
    .map(([name, key]) => {
      const sign = createPrivateKey({ key, format: 'jwk' });
      return [name, { sign, verify: createPublicKey(sign) }] as const;
    });
  const secret = createSecretKey(
    Buffer.from(readFileSync(join(folder, 'keys/test-shared-secret.b64'), 'utf8'), 'base64'),
  );
  return { ...Object.fromEntries(pairs), 'test-shared-secret': { sign: secret, verify: secret } };
}

function messageOf(raw: RawMessage, request: RawMessage | null): Message {
  if (raw.type === 'request') return requestOf(raw);
  const response: ResponseMessage = { status: raw.status!, headers: raw.headers };
  return request === null ? response : { ...response, request: requestOf(request) };
}

function requestOf({ headers, method, target }: RawMessage): RequestMessage {
  const host = headers.find(([name]) => name === 'Host')![1];
  return { method: method!, url: `https://${host}${target}`, headers };
}

function withoutSignatures({ headers }: Message): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const [name, value] of headers as Iterable<readonly [string, string]>) {
    if (!/^signature/i.test(name)) (all[name.toLowerCase()] ??= []).push(value);
  }
  return all;
}

function signatureFields({ signature_input: input, signature }: Example): Record<string, string> {
  return { 'signature-input': input, signature };
}

/** The components and parameters that an example's own field says. */
function signedBy({ signature_input: field, label }: Example) {
  const member = parseDictionary(field).get(label);
  assert.ok(member !== undefined && isInnerList(member));
  return {
    components: [...componentsOf(member.items).ids],
    parameters: readParameters(member.parameters),
  };
}

/** `label=value`, of a field that may hold others. */
function memberText(field: string, label: string): string {
  return field.slice(field.indexOf(`${label}=`));
}

/** Header lines, after a start line or not; trailers come after the last chunk. */
function parseSnippet(text: string, scheme: 'http' | 'https'): Message {
  const isWhole = /^[A-Z]+ |^HTTP/.test(text);
  const [head = '', content = ''] = text.split('\n\n');
  const [start = '', ...rest] = isWhole
    ? head.split('\n')
    : ['GET / HTTP/1.1', ...head.split('\n')];
  const trailers = fieldsIn(content.slice(content.indexOf('\n0\n') + 3).split('\n'));
  const headers = fieldsIn(rest);
  const status = /^HTTP\/1.1 (\d+)/.exec(start)?.[1];
  if (status !== undefined) return { status: Number(status), headers, trailers };
  const [method = '', target = ''] = start.split(' ');
  const host = headers.find(([name]) => name === 'Host')?.[1].trim() ?? 'www.example.com';
  const url = target.startsWith('http')
    ? target
    : `${scheme}://${host}${target.startsWith('/') ? target : '/'}`;
  return { method, url, target, headers };
}

function fieldsIn(lines: readonly string[]): [string, string][] {
  const fields: [string, string][] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (/^\s/.test(line)) fields.at(-1)![1] += `\r\n${line}`;
    else if (colon > 0) fields.push([line.slice(0, colon), line.slice(colon + 1)]);
  }
  return fields;
}
