import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Message,
  type RequestMessage,
  type ResponseMessage,
  type StructuredFieldTypes,
  signatureBase,
  verifyMessage,
} from 'countersign/signature';
import { authError, configError } from '../../support/errors.ts';
import { payment, signatureKeys, withFields } from '../../support/signatures.ts';

const { verifier: key } = signatureKeys();

/** The line of one component, without its identifier. */
function value(
  component: string,
  message: Message,
  structuredFields: StructuredFieldTypes = {},
): string {
  const base = signatureBase(message, { components: [component], structuredFields });
  const line = base.slice(0, base.lastIndexOf('\n'));
  return line.slice(line.indexOf(': ') + 2);
}

const at = (url: string, more: Partial<RequestMessage> = {}): RequestMessage => ({
  method: 'GET',
  url,
  headers: {},
  ...more,
});

describe('derived components', () => {
  const table: readonly (readonly [component: string, url: string, expected: string])[] = [
    ['@authority', 'https://API.Example:443/', 'api.example'],
    ['@authority', 'http://api.example:80', 'api.example'],
    ['@authority', 'https://api.example:8443/', 'api.example:8443'],
    ['@authority', 'https://[2001:DB8::A]/', '[2001:db8::a]'],
    ['@scheme', 'HTTPS://api.example/', 'https'],
    ['@path', 'https://api.example', '/'],
    ['@path', 'https://api.example?a/b', '/'],
    ['@path', 'https://api.example/a/../b//c/./%7e%2F', '/a/../b//c/./%7e%2F'],
    ['@path', 'https://api.example/a#/b', '/a'],
    ['@query', 'https://api.example/a', '?'],
    ['@query', 'https://api.example/a?', '?'],
    ['@query', 'https://api.example/a?b=%2d&a=1?#x', '?b=%2d&a=1?'],
    ['@target-uri', 'HTTPS://API.example:443?', 'https://api.example/?'],
    ['@target-uri', 'https://api.example/a?b#c', 'https://api.example/a?b'],
    ['@request-target', 'https://api.example/a?b', '/a?b'],
    ['@query-param;name="a"', 'https://api.example/?a=+1%2b&b', '%201%2B'],
    ['@query-param;name="b"', 'https://api.example/?a=1&b', ''],
    [
      '@query-param;name="%21%27%28%29%7E*-._"',
      "https://api.example/?!'()~*-._=!'()~*-._",
      '%21%27%28%29%7E*-._',
    ],
  ];
  for (const [component, url, expected] of table) {
    it(`${component} of ${url} is ${JSON.stringify(expected)}`, () => {
      assert.equal(value(component, at(url)), expected);
    });
  }

  it('are the method as it is, the target as it came, and the status', () => {
    assert.equal(value('@method', at('https://a.example/', { method: 'patch' })), 'patch');
    assert.equal(value('@request-target', at('https://a.example/', { target: '*' })), '*');
    assert.equal(value('@status', { status: 404, headers: {} }), '404');
  });

  it('of a request are had in its response by ;req', () => {
    const response: ResponseMessage = { status: 200, headers: {}, request: payment };
    assert.equal(value('@method;req', response), 'POST');
    assert.equal(value('@query-param;name="to";req', response), '8');
    assert.equal(value('content-type;req', response), 'application/json');
  });

  const refused: readonly (readonly [component: string, message: Message, why: RegExp])[] = [
    ['@status', payment, /no part of a request/],
    ['@method', { status: 200, headers: {} }, /no part of a response/],
    ['@method;req', { status: 200, headers: {} }, /not at hand/],
    ['@method;req', payment, /a request answers/],
    ['date;req', payment, /a request answers/],
    ['@status', { status: 99, headers: {} }, /no status/],
    ['@status', { status: 200.5, headers: {} }, /no status/],
    ['@method', { ...payment, method: 'GET X' }, /no method/],
    ['@method', { ...payment, method: 'GET\n"@path": /' }, /no method/],
    ['@request-target', { ...payment, target: '/a b' }, /no request target/],
    ['@request-target', { ...payment, target: '' }, /no request target/],
    ['@path', at('/a'), /no absolute http/],
    ['@path', at('ftp://a.example/'), /no absolute http/],
    ['@path', at('https://a.example/\n'), /no absolute http/],
    ['@path', at('https://a.example/\u00e9'), /no absolute http/],
    ['@authority', at('https://user:secret@a.example/'), /"\.\.\.@a.example" is no authority/],
    ['@query-param;name="x"', payment, /not in the message/],
    ['@query-param;name="a"', at('https://a.example/?a=1&a=1'), /more than once/],
    ['@query-param;name="a"', at('https://a.example/?a=1&%61=2'), /more than once/],
    ['@query-param;name="a"', at('https://a.example/?a=%ff'), /UTF-8/],
    ['@query-param;name="a b"', at('https://a.example/?a+b=1'), /not in the message/],
  ];
  for (const [component, message, why] of refused) {
    it(`refuse ${component}: ${why.source}`, () => {
      assert.throws(() => value(component, message), configError('components', why));
    });
  }
});

describe('fields', () => {
  const dictionary: StructuredFieldTypes = {
    'x-dict': 'dictionary',
    'x-item': 'item',
    'x-list': 'list',
  };
  const message = (name: string, ...lines: readonly string[]): RequestMessage =>
    at('https://a.example/', { headers: { [name]: lines } });

  const table: readonly (readonly [
    component: string,
    lines: readonly string[],
    expected: string,
  ])[] = [
    ['x-a', [' a\t', '\tb '], 'a, b'],
    ['x-a', ['a', ''], 'a, '],
    ['x-a', [''], ''],
    ['x-a', ['a \r\n\t b\n c'], 'a b c'],
    ['x-a', ['a\tb'], 'a\tb'],
    ['x-a;bs', [' a\u00e9', 'b'], ':Yek=:, :Yg==:'],
    ['x-dict;sf', [' a=1,  b=2;x=?1', 'c=(a   b)'], 'a=1, b=2;x, c=(a b)'],
    ['x-dict;key="b"', [' a=1,  b=2.0;x', 'c'], '2.0;x'],
    ['x-dict;key="c";sf', ['a=1', 'c'], '?1'],
    ['x-list;sf', ['1,2', '(3  4)'], '1, 2, (3 4)'],
    ['x-item;sf', ['1;  a=?1'], '1;a'],
    ['client-cert;sf', [' :YQ==: '], ':YQ==:'],
  ];
  for (const [component, lines, expected] of table) {
    it(`${component} of ${JSON.stringify(lines)} is ${JSON.stringify(expected)}`, () => {
      const name = component.split(';')[0]!;
      assert.equal(value(component, message(name, ...lines), dictionary), expected);
    });
  }

  const refused: readonly (readonly [component: string, lines: readonly string[], why: RegExp])[] =
    [
      ['x-a', [], /not in the message/],
      ['x-a', ['a\nb'], /line break/],
      ['x-a', ['a\r\n"@method": GET'], /line break/],
      ['x-a', ['a\rb'], /cannot be signed/],
      ['x-a', ['\u00e9'], /cannot be signed/],
      ['x-a', ['\u00a0a'], /cannot be signed/],
      ['x-a;bs', ['\u0161'], /no bytes/],
      ['x-a;bs', ['a\nb'], /line break/],
      ['x-a;tr', ['a'], /not in the message/],
      ['x-a;sf', ['a'], /no known structured field/],
      ['x-a;key="a"', ['a'], /no known dictionary/],
      ['x-list;key="a"', ['a'], /no known dictionary/],
      ['x-dict;key="d"', ['a'], /not in the message/],
      ['x-dict;key="a"', ['a=1, a=2'], /twice/],
      ['x-dict;sf', ['a=1', 'a=2'], /twice/],
      ['x-dict;sf', ['a='], /no value/],
    ];
  for (const [component, lines, why] of refused) {
    it(`refuse ${component} of ${JSON.stringify(lines)}: ${why.source}`, () => {
      const name = component.split(';')[0]!;
      assert.throws(
        () => value(component, message(name, ...lines), dictionary),
        configError('components', why),
      );
    });
  }

  it('of the trailers are their own, and never joined with those of the header', () => {
    const both = { status: 200, headers: { 'x-a': 'head' }, trailers: { 'x-a': 'tail' } };
    assert.equal(value('x-a', both), 'head');
    assert.equal(value('x-a;tr', both), 'tail');
  });

  it('are read from objects, pairs and lookups alike', () => {
    const forms = [
      { 'x-a': ['1', '2'], 'x-b': '3', 'x-c': undefined },
      [
        ['X-A', '1'],
        ['X-B', '3'],
        ['x-a', '2'],
      ] as const,
      (name: string) => (name === 'x-a' ? ['1', '2'] : name === 'x-b' ? ['3'] : []),
    ];
    for (const headers of forms) {
      const one = at('https://a.example/', { headers });
      assert.equal(value('x-a', one), '1, 2');
      assert.equal(value('x-b', one), '3');
      assert.throws(() => value('x-c', one), configError('components', /not in the message/));
    }
    const fetched = new Headers([
      ['Set-Cookie', 'a'],
      ['Set-Cookie', 'b'],
    ]);
    assert.equal(
      value('set-cookie;bs', at('https://a.example/', { headers: fetched })),
      ':YQ==:, :Yg==:',
    );
  });

  it('of an object are its own, and in lower case', () => {
    const one = at('https://a.example/', { headers: { 'X-A': '1' } });
    assert.throws(() => value('x-a', one), /^TypeError: headers: write "X-A" in lower case$/);
    assert.throws(
      () => value('constructor', at('https://a.example/')),
      configError('components', /not in the message/),
    );
  });
});

describe('component identifiers', () => {
  for (const text of [
    '',
    '@',
    '@foo',
    '@signature-params',
    '@Method',
    'Content-Type',
    'a b',
    'a:b',
    '"a',
    'a"',
    'a;b',
    'a;sf=?0',
    'a;sf=1',
    'a;sf="x"',
    'a;key',
    'a;key=1',
    'a;key=a',
    'a;name="b"',
    'a;bs;sf',
    'a;bs;key="b"',
    'a;req;req',
    'a;Req',
    '@method;tr',
    '@method;sf',
    '@method;bs',
    '@method;key="a"',
    '@method;name="a"',
    '@status;req',
    '@query-param',
    '@query-param;req',
    '@query-param;name',
    '@path, b',
  ]) {
    it(`refuse ${JSON.stringify(text)}, as ours and as a peer's`, () => {
      assert.throws(
        () => signatureBase(payment, { components: [text] }),
        configError('components[0]', /is no component/),
      );
      const end = text.indexOf(';');
      const item = end < 0 ? `"${text}"` : `"${text.slice(0, end)}"${text.slice(end)}`;
      const message = withFields(payment, {
        'signature-input': `s=(${item})`,
        signature: 's=:YQ==:',
      });
      assert.throws(
        () => verifyMessage(message, { key, required: [] }),
        authError(
          (text.includes('"') && !/="/.test(text)) || /req;req|Req/.test(text)
            ? 'ERR_FIELD_MALFORMED'
            : 'ERR_SIGNATURE_MALFORMED',
        ),
      );
    });
  }
});
