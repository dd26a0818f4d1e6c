import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as later } from 'node:timers/promises';
import * as fc from 'fast-check';
import type { Decision } from '../../src/decision.ts';
import { AuthError } from '../../src/errors.ts';
import type { Exchange } from '../../src/exchange.ts';
import { Identity } from '../../src/identity.ts';
import { isPromise } from '../../src/maybe-promise.ts';
import { Continue, type ServerMethod } from '../../src/method.ts';
import type { Policy } from '../../src/policy.ts';
import { type VerifierOptions, createVerifier, isVerifier } from '../../src/verifier.ts';
import { configError } from '../support/errors.ts';
import { recordEvents } from '../support/events.ts';
import { type FakeRequest, fakeExchange } from '../support/exchange.ts';
import { evidence, fakeMethod } from '../support/method.ts';

const good = evidence('key:good', { user: 'alice' });
const bad = new AuthError('ERR_CERTIFICATE_EXPIRED', 'bad');
const step = new Continue({ 'www-authenticate': 'Step' });

type Options = Partial<VerifierOptions>;

const decide = async (options: Options, request: FakeRequest = {}): Promise<Decision> =>
  createVerifier({ methods: [fakeMethod('m', good)], ...options }).decide(fakeExchange(request));

/** `accepted`, `accepted anonymous`, `continue 401`, or the code of the refusal and its status. */
async function verdict(options: Options, request: FakeRequest = {}): Promise<string> {
  return inWords(await decide(options, request));
}

function inWords(decision: Decision): string {
  switch (decision.outcome) {
    case 'accepted':
      return decision.identity === undefined ? 'accepted anonymous' : 'accepted';
    case 'continue':
      return `continue ${decision.response.status}`;
    case 'refused':
      return `${decision.error.code} ${decision.response.status}`;
  }
}

describe('decide', () => {
  const at = (options: Options) =>
    createVerifier({ methods: [fakeMethod('m', good)], ...options }).decide(fakeExchange());

  for (const [what, options, expected] of [
    ['every method and callback', { policy: { authorize: () => true } }, 'accepted'],
    ['a method that throws', { methods: [fakeMethod('m', bad)] }, 'ERR_CERTIFICATE_EXPIRED 403'],
    ['a method that needs another step', { methods: [fakeMethod('m', step)] }, 'continue 401'],
    [
      'a callback that throws',
      {
        policy: {
          authorize() {
            throw new Error('bug');
          },
        },
      },
      'ERR_INTERNAL 500',
    ],
  ] as const) {
    it(`answers at once where ${what} does`, () => {
      const decision = at(options);
      assert.ok(!isPromise(decision));
      assert.equal(inWords(decision), expected);
    });
  }

  it('asks one method after the other, and none behind a bad proof', async () => {
    const seen: string[] = [];
    const late = fakeMethod('late', async () => {
      await later();
      seen.push('late');
      return null;
    });
    const refusing = fakeMethod('refusing', () => {
      seen.push('refusing');
      throw bad;
    });
    const last = fakeMethod('last', () => (seen.push('last'), good));
    const methods = [late, refusing, last];
    const require = { anyOf: methods.map(({ name }) => name) };
    const decision = await at({ methods, policy: { require } });
    assert.equal(inWords(decision), 'ERR_CERTIFICATE_EXPIRED 403');
    assert.deepEqual(seen, ['late', 'refusing']);
  });
});

describe('createVerifier', () => {
  const method = fakeMethod('m');
  const wrong: readonly (readonly [what: string, options: unknown, path: string, says: RegExp])[] =
    [
      ['undefined', undefined, '', /plain object/],
      ['a list', [method], '', /plain object/],
      ['a misspelt option', { methods: [method], polcy: {} }, 'polcy', /Did you mean `policy`/],
      ['no methods', {}, 'methods', /at least one/],
      ['an empty list of methods', { methods: [] }, 'methods', /at least one/],
      ['a method without a list', { methods: method }, 'methods', /at least one/],
      ['undefined methods', { methods: undefined }, 'methods', /undefined/],
      ['an undefined method', { methods: [undefined] }, 'methods[0]', /call its factory/],
      ['null for a method', { methods: [method, null] }, 'methods[1]', /call its factory/],
      ['a factory that nobody called', { methods: [fakeMethod] }, 'methods[0]', /call its factory/],
      ['a method without verify', { methods: [{ name: 'm' }] }, 'methods[0]', /call its factory/],
      ['a method without a name', { methods: [fakeMethod('')] }, 'methods[0]', /call its factory/],
      [
        'a name that is no text',
        { methods: [{ ...method, name: 5 }] },
        'methods[0]',
        /its factory/,
      ],
      [
        'two of one name',
        { methods: [method, fakeMethod('m')] },
        'methods[1]',
        /name it otherwise/,
      ],
      ['an undefined policy', { methods: [method], policy: undefined }, 'policy', /undefined/],
      ['a null policy', { methods: [method], policy: null }, 'policy', /plain object/],
      [
        'a wrong policy',
        { methods: [method], policy: { allow: [{}] } },
        'policy.allow[0]',
        /fields/,
      ],
      [
        'undefined authorities',
        { methods: [method], authorities: undefined },
        'authorities',
        /unset/,
      ],
      ['empty authorities', { methods: [method], authorities: '' }, 'authorities', /a list/],
      ['null for authorities', { methods: [method], authorities: null }, 'authorities', /a list/],
      ['no authorities', { methods: [method], authorities: [] }, 'authorities', /a list/],
      ['undefined origins', { methods: [method], origins: undefined }, 'origins', /unset/],
      ['null for origins', { methods: [method], origins: null }, 'origins', /a list/],
    ];
  for (const [what, options, path, says] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(() => createVerifier(options as VerifierOptions), configError(path, says));
    });
  }

  it('is not changed by what happens to its options later', async () => {
    const methods = [fakeMethod('m', null)];
    const verifier = createVerifier({ methods });
    methods.unshift(fakeMethod('n', good));
    assert.equal(verifier.methods.length, 1);
    assert.equal(inWords(await verifier.decide(fakeExchange())), 'ERR_CREDENTIAL_MISSING 403');
  });

  it('makes what cannot be changed', () => {
    assert.ok(Object.isFrozen(createVerifier({ methods: [method] })));
  });
});

describe('isVerifier', () => {
  it('tells a verifier from options', () => {
    assert.equal(isVerifier(createVerifier({ methods: [fakeMethod('m')] })), true);
    for (const value of [undefined, null, 'x', {}, { methods: [] }, { decide: true }]) {
      assert.equal(isVerifier(value), false);
    }
  });
});

describe('decide', () => {
  it('makes an identity of good evidence, at the instant of the request', async () => {
    const now = new Date('2031-05-05T00:00:00Z');
    const decision = await decide({}, { now });
    assert.ok(decision.outcome === 'accepted' && Identity.isIdentity(decision.identity));
    assert.equal(decision.identity.subject, 'key:good');
    assert.equal(decision.identity.method, 'm');
    assert.deepEqual(decision.identity.evidence, { m: good });
    assert.equal(decision.identity.verifiedAt, now);
  });

  // What two methods answer; what is decided under each requirement of them.
  const answers = { good, nothing: null, bad, step };
  type Kind = keyof typeof answers;
  const missing = 'ERR_CREDENTIAL_MISSING 403';
  const expired = 'ERR_CERTIFICATE_EXPIRED 403';
  const precedence: readonly (readonly [a: Kind, b: Kind, anyOf: string, allOf: string])[] = [
    ['good', 'good', 'accepted', 'accepted'],
    ['good', 'nothing', 'accepted', missing],
    ['good', 'bad', expired, expired],
    ['good', 'step', 'continue 401', 'continue 401'],
    ['nothing', 'good', 'accepted', missing],
    ['nothing', 'nothing', missing, missing],
    ['nothing', 'bad', expired, expired],
    ['nothing', 'step', 'continue 401', 'continue 401'],
    ['bad', 'good', expired, expired],
    ['bad', 'nothing', expired, expired],
    ['bad', 'bad', expired, expired],
    ['bad', 'step', expired, expired],
    ['step', 'good', 'continue 401', 'continue 401'],
    ['step', 'nothing', 'continue 401', 'continue 401'],
    ['step', 'bad', expired, expired],
    ['step', 'step', 'continue 401', 'continue 401'],
  ];
  for (const [a, b, anyOf, allOf] of precedence) {
    const methods = (): ServerMethod[] => [
      fakeMethod('a', answers[a]),
      fakeMethod('b', answers[b]),
    ];
    it(`answers ${a} and ${b} with ${anyOf} under anyOf, ${allOf} under allOf`, async () => {
      const any: Policy = { require: { anyOf: ['a', 'b'] } };
      const all: Policy = { require: { allOf: ['a', 'b'], bind: 'none' } };
      assert.equal(await verdict({ methods: methods(), policy: any }), anyOf);
      assert.equal(await verdict({ methods: methods(), policy: all }), allOf);
    });

    it(`lets ${a} and ${b} pass anonymously only where nothing is bad or pending`, async () => {
      const anonymous = (word: string): string => (word === missing ? 'accepted anonymous' : word);
      const require = { allOf: ['a', 'b'], bind: 'none' } as const;
      const policy: Policy = { require, allowAnonymous: true };
      assert.equal(await verdict({ methods: methods(), policy }), anonymous(allOf));
    });
  }

  it('sends the first of several steps', async () => {
    const other = new Continue({}, 200);
    const methods = [fakeMethod('a', other), fakeMethod('b', step)];
    assert.equal(
      await verdict({ methods, policy: { require: { anyOf: ['a', 'b'] } } }),
      'continue 200',
    );
  });

  it('does not ask a method that the policy does not name', async () => {
    const other = fakeMethod('other', bad);
    const methods = [fakeMethod('m', good), other];
    assert.equal(await verdict({ methods, policy: { require: 'm' } }), 'accepted');
    assert.equal(other.calls, 0);
  });

  it('refuses where parts that are all there belong to two peers', async () => {
    const token = fakeMethod('oauth', good, { confirms: () => false });
    const methods = [fakeMethod('m', good), token];
    assert.equal(
      await verdict({
        methods,
        policy: { require: { allOf: ['m', 'oauth'] }, allowAnonymous: true },
      }),
      'ERR_BINDING_MISMATCH 403',
    );
  });

  for (const answer of [() => undefined, true, {}, 'key:good', evidence('')]) {
    it(`admits nobody where a method answers ${String(answer)} (${typeof answer})`, async () => {
      const policy = { allowAnonymous: true };
      assert.equal(
        await verdict({ methods: [fakeMethod('m', answer)], policy }),
        'ERR_INTERNAL 500',
      );
    });
  }

  it('says what is missing', async () => {
    const methods = [fakeMethod('a', good), fakeMethod('b', null), fakeMethod('c', null)];
    const require = { allOf: ['a', 'b', 'c'], bind: 'none' } as const;
    const decision = await decide({ methods, policy: { require } });
    assert.equal('error' in decision && decision.error.message, 'nothing was presented for b, c');
  });
});

describe('policy.allow', () => {
  it('allows nobody where it is empty', async () => {
    assert.equal(await verdict({ policy: { allow: [] } }), 'ERR_NOT_ALLOWED 403');
    const policy = { allow: [], allowAnonymous: true };
    assert.equal(await verdict({ policy }), 'ERR_NOT_ALLOWED 403');
  });

  it('lets pass whom any match fits, and nobody else', async () => {
    const allow = [{ user: 'bob' }, { user: 'alice' }];
    assert.equal(await verdict({ policy: { allow } }), 'accepted');
    assert.equal(await verdict({ policy: { allow: [allow[0]!] } }), 'ERR_NOT_ALLOWED 403');
  });

  it('looks at the evidence that the identity rests on, and at no other', async () => {
    const methods = [
      fakeMethod('a', evidence('key:a')),
      fakeMethod('b', evidence('user:b', { user: 'b' })),
    ];
    const either = { require: { anyOf: ['a', 'b'] } };
    const decision = await decide({ methods, policy: { ...either, allow: [{ user: 'b' }] } });
    assert.ok(decision.outcome === 'accepted');
    assert.equal(decision.identity?.subject, 'user:b');
    assert.deepEqual(Object.keys(decision.identity.evidence), ['b']);
    const only = { require: 'a', allow: [{ user: 'b' }] };
    assert.equal(await verdict({ methods, policy: only }), 'ERR_NOT_ALLOWED 403');
  });

  it('does not put more of the subject into the reason than a line takes', async () => {
    const methods = [fakeMethod('m', evidence(`dn:${'x'.repeat(5000)}\u202e`))];
    for (const policy of [{ allow: [] }, { authorize: () => false }]) {
      const decision = await decide({ methods, policy });
      assert.ok('error' in decision && decision.error.message.length < 120);
    }
  });
});

describe('policy.authorize', () => {
  it('lets pass on true, now or later', async () => {
    assert.equal(await verdict({ policy: { authorize: () => true } }), 'accepted');
    assert.equal(
      await verdict({ policy: { authorize: () => later().then(() => true) } }),
      'accepted',
    );
  });

  const refusing = [
    false,
    undefined,
    null,
    1,
    'yes',
    'true',
    {},
    [],
    () => true,
    new Boolean(true),
  ];
  for (const answer of refusing) {
    it(`refuses ${String(answer)} (${typeof answer})`, async () => {
      for (const given of [answer, Promise.resolve(answer)]) {
        const policy: Policy = { authorize: () => given as boolean };
        assert.equal(await verdict({ policy }), 'ERR_NOT_ALLOWED 403');
      }
    });
  }

  it('gets the identity and the request', async () => {
    let given: readonly unknown[] = [];
    const exchange = fakeExchange();
    const authorize = (...all: readonly unknown[]): boolean => (given = all).length === 2;
    const methods = [fakeMethod('m', good)];
    const decision = await createVerifier({ methods, policy: { authorize } }).decide(exchange);
    assert.deepEqual(given, ['identity' in decision && decision.identity, exchange]);
  });

  it('is not asked about a peer that is not allowed, too old or anonymous', async () => {
    const authorize = (): boolean => assert.fail('asked');
    const old = evidence('key:old', { authenticatedAt: new Date(0) });
    assert.equal(await verdict({ policy: { authorize, allow: [] } }), 'ERR_NOT_ALLOWED 403');
    assert.equal(
      await verdict({ methods: [fakeMethod('m', old)], policy: { authorize, maxAge: 5 } }),
      'ERR_STEP_UP_REQUIRED 403',
    );
    const nobody = {
      methods: [fakeMethod('m', null)],
      policy: { authorize, allowAnonymous: true },
    };
    assert.equal(await verdict(nobody), 'accepted anonymous');
  });

  it('refuses with its own error, or with 500 where it fails', async () => {
    const throwing = (error: Error): Policy => ({
      authorize() {
        throw error;
      },
    });
    const busy = new AuthError('x-busy', 'later', { status: 429, headers: { 'retry-after': '9' } });
    const decision = await decide({ policy: throwing(busy) });
    assert.equal(inWords(decision), 'x-busy 429');
    assert.equal('response' in decision && decision.response.headers['retry-after'], '9');
    assert.equal(await verdict({ policy: throwing(new Error('down')) }), 'ERR_INTERNAL 500');
    const rejecting: Policy = { authorize: () => Promise.reject(new Error('down')) };
    assert.equal(await verdict({ policy: rejecting }), 'ERR_INTERNAL 500');
  });
});

describe('policy.maxAge', () => {
  const now = new Date('2030-01-01T00:00:00Z');
  const signedIn = (seconds: number): Options => ({
    methods: [
      fakeMethod(
        'm',
        evidence('user:a', { authenticatedAt: new Date(now.getTime() - seconds * 1000) }),
      ),
    ],
    policy: { maxAge: 60 },
  });

  it('counts from the sign-in, the limit included', async () => {
    assert.equal(await verdict(signedIn(60), { now }), 'accepted');
    assert.equal(await verdict(signedIn(60.001), { now }), 'ERR_STEP_UP_REQUIRED 403');
  });

  it('is no limit where it is not set', async () => {
    assert.equal(await verdict({ ...signedIn(1e6), policy: {} }, { now }), 'accepted');
  });

  it('is met by evidence of this very request', async () => {
    assert.equal(await verdict({ policy: { maxAge: 1 } }, { now }), 'accepted');
  });

  it('counts the oldest part', async () => {
    const { methods = [] } = signedIn(61);
    const require = { allOf: ['m', 'n'], bind: 'none' } as const;
    const both = { methods: [...methods, fakeMethod('n')], policy: { require, maxAge: 60 } };
    assert.equal(await verdict(both, { now }), 'ERR_STEP_UP_REQUIRED 403');
  });

  it('asks for the credentials again', async () => {
    const { methods: [method] = [], policy = {} } = signedIn(61);
    const challenge = (): { 'www-authenticate': string } => ({ 'www-authenticate': 'SCRAM' });
    const options = { methods: [{ ...method!, challenge }], policy };
    assert.equal(await verdict(options, { now }), 'ERR_STEP_UP_REQUIRED 401');
  });
});

describe('authorities', () => {
  const authorities = ['https://api.example/v1', 'https://b.example:8443'];

  it('refuses with 421 before any method is asked', async () => {
    const method = fakeMethod('m', bad);
    for (const request of [{ authority: 'evil.example' }, { authority: null }, { target: '/v2' }]) {
      const options = { methods: [method], authorities, policy: { allowAnonymous: true } };
      assert.equal(await verdict(options, request), 'ERR_MISDIRECTED_REQUEST 421');
    }
    assert.equal(method.calls, 0);
  });

  it('lets pass what any of them answers to', async () => {
    for (const request of [{ target: '/v1/x' }, { authority: 'b.example:8443' }]) {
      assert.equal(await verdict({ authorities }, request), 'accepted');
    }
  });

  it('lets every authority pass where none is set', async () => {
    for (const authority of ['evil.example', null]) {
      assert.equal(await verdict({}, { authority }), 'accepted');
    }
  });

  it('say which authority was named, if any', async () => {
    const reasons = ['evil.example', null].map(async (authority) => {
      const decision = await decide({ authorities }, { authority });
      return 'error' in decision && decision.error.message;
    });
    assert.deepEqual(await Promise.all(reasons), [
      '"evil.example" is not among the authorities',
      'no authority is not among the authorities',
    ]);
  });

  it('does not repeat more of a wrong authority than a line takes', async () => {
    const decision = await decide({ authorities }, { authority: 'x'.repeat(5000) });
    assert.ok('error' in decision && decision.error.message.length < 120);
  });

  it('are asked for also where none is set: a request that names two is refused', async () => {
    const exchange: Exchange = {
      ...fakeExchange(),
      get authority(): string {
        throw new AuthError('ERR_REQUEST_MALFORMED', 'two');
      },
    };
    const verifier = createVerifier({ methods: [fakeMethod('m', good)] });
    assert.equal(inWords(await verifier.decide(exchange)), 'ERR_REQUEST_MALFORMED 400');
  });
});

describe('the cross-site rule', () => {
  const ambient = { methods: [fakeMethod('m', good, { ambient: true })] };
  const evil = { method: 'POST', fields: { origin: 'https://evil.example' } };

  it('refuses ambient evidence of an unsafe request from elsewhere', async () => {
    assert.equal(await verdict(ambient, evil), 'ERR_CROSS_SITE 403');
    assert.equal(
      await verdict({ ...ambient, policy: { allowAnonymous: true } }, evil),
      'ERR_CROSS_SITE 403',
    );
    const fetched = { method: 'POST', fields: { 'sec-fetch-site': 'cross-site' } };
    assert.equal(await verdict(ambient, fetched), 'ERR_CROSS_SITE 403');
    const upgrade = { ...evil, method: 'GET', upgrade: true };
    assert.equal(await verdict(ambient, upgrade), 'ERR_CROSS_SITE 403');
  });

  it('comes before the requirement and what the policy allows', async () => {
    const methods = [...ambient.methods, fakeMethod('n', null)];
    const require = { allOf: ['m', 'n'], bind: 'none' } as const;
    assert.equal(await verdict({ methods, policy: { require } }, evil), 'ERR_CROSS_SITE 403');
  });

  it('comes after a step of another method, which lets nobody pass', async () => {
    const methods = [...ambient.methods, fakeMethod('n', step)];
    const policy = { require: { allOf: ['m', 'n'], bind: 'none' } } as const;
    assert.equal(await verdict({ methods, policy }, evil), 'continue 401');
  });

  it('leaves alone what is safe, of this origin, listed, or said by no page', async () => {
    const post = (fields: Readonly<Record<string, string>>): FakeRequest => ({
      method: 'POST',
      fields,
    });
    assert.equal(await verdict(ambient, { ...evil, method: 'GET' }), 'accepted');
    assert.equal(await verdict(ambient, post({ origin: 'https://api.example' })), 'accepted');
    assert.equal(await verdict(ambient, post({})), 'accepted');
    const listed = { ...ambient, origins: ['https://evil.example'] };
    assert.equal(await verdict(listed, evil), 'accepted');
    const nowhere = { ...post({ origin: 'https://undefined' }), authority: null };
    assert.equal(await verdict(ambient, nowhere), 'ERR_CROSS_SITE 403');
    const otherPort = { ...post({ origin: 'https://api.example' }), authority: 'api.example:8443' };
    assert.equal(await verdict(ambient, otherPort), 'ERR_CROSS_SITE 403');
    const otherScheme = { ...post({ origin: 'https://api.example' }), scheme: 'http' } as const;
    assert.equal(await verdict(ambient, otherScheme), 'ERR_CROSS_SITE 403');
  });

  it('does not concern evidence that a page cannot attach', async () => {
    assert.equal(await verdict({}, evil), 'accepted');
    const methods = [fakeMethod('m', null, { ambient: true }), fakeMethod('n', good)];
    const policy = { require: { anyOf: ['m', 'n'] } };
    assert.equal(await verdict({ methods, policy }, evil), 'accepted');
  });

  it('concerns ambient evidence beside other evidence', async () => {
    const methods = [fakeMethod('n', good), ...ambient.methods];
    const policy = { require: { anyOf: ['n', 'm'] } };
    assert.equal(await verdict({ methods, policy }, evil), 'ERR_CROSS_SITE 403');
  });
});

describe('a refusal', () => {
  const offering = (name: string, challenge: unknown): ServerMethod =>
    fakeMethod(name, null, { challenge: () => challenge as never });
  const any = (...names: readonly string[]): Policy => ({ require: { anyOf: names } });

  it('says 403 where no method can be offered in a header field', async () => {
    for (const challenge of [undefined, {}, { 'x-hint': 'certificate' }]) {
      assert.equal(
        await verdict({ methods: [offering('m', challenge)] }),
        'ERR_CREDENTIAL_MISSING 403',
      );
    }
  });

  it('offers, in order, all methods that the policy names, and only those', async () => {
    const methods = ['a', 'b', 'c'].map((name) => offering(name, { 'www-authenticate': name }));
    const decision = await decide({ methods, policy: any('c', 'a') });
    assert.equal(inWords(decision), 'ERR_CREDENTIAL_MISSING 401');
    const { headers } = (decision as { response: { headers: object } }).response;
    assert.deepEqual((headers as Record<string, unknown>)['www-authenticate'], ['c', 'a']);
  });

  it('offers nothing where other credentials would not help', async () => {
    const method = fakeMethod('m', bad, { challenge: () => assert.fail('asked') });
    assert.equal(await verdict({ methods: [method] }), 'ERR_CERTIFICATE_EXPIRED 403');
  });

  it('offers methods to bad credentials that say 401', async () => {
    const wrong = new AuthError('x-wrong', 'no', { status: 401 });
    const method = fakeMethod('m', wrong, { challenge: () => ({ 'www-authenticate': 'M' }) });
    assert.equal(await verdict({ methods: [method] }), 'x-wrong 401');
  });

  it('tells the peer nothing of the reason', async () => {
    const secret = new AuthError('x-mine', 'SECRET', { cause: new Error('SECRET') });
    for (const answer of [secret, new Error('SECRET')]) {
      const decision = await decide({ methods: [fakeMethod('m', answer)] });
      assert.doesNotMatch(JSON.stringify('response' in decision && decision.response), /SECRET/);
    }
  });
});

describe('decide, whatever happens,', () => {
  const failing: readonly (readonly [where: string, options: () => Options])[] = [
    ['verify', () => ({ methods: [fakeMethod('m', new Error('bug'))] })],
    [
      'verify, later',
      () => ({ methods: [fakeMethod('m', () => Promise.reject(new Error('bug')))] }),
    ],
    [
      'prepare',
      () => ({
        methods: [
          fakeMethod('m', good, {
            prepare() {
              throw new Error('bug');
            },
          }),
        ],
      }),
    ],
    [
      'challenge',
      () => ({
        methods: [
          fakeMethod('m', null, {
            challenge() {
              throw new Error('bug');
            },
          }),
        ],
      }),
    ],
    [
      'confirms',
      () => ({
        methods: [
          fakeMethod('m', good),
          fakeMethod('oauth', good, {
            confirms() {
              throw new Error('bug');
            },
          }),
        ],
        policy: { require: { allOf: ['m', 'oauth'] } },
      }),
    ],
    ['authorize', () => ({ policy: { authorize: () => Promise.reject(new Error('bug')) } })],
  ];
  for (const [where, options] of failing) {
    it(`refuses with 500 where ${where} fails, and keeps the cause for the event`, async () => {
      using events = recordEvents();
      const decision = await decide(options());
      assert.equal(inWords(decision), 'ERR_INTERNAL 500');
      assert.equal((('error' in decision && decision.error.cause) as Error).message, 'bug');
      assert.equal((events.refused[0]!.cause as Error).message, 'bug');
    });
  }

  it('refuses with 500 where a challenge throws what would be a 401', async () => {
    const method = fakeMethod('m', null, {
      challenge() {
        throw new AuthError('ERR_CREDENTIAL_MISSING', 'again');
      },
    });
    assert.equal(await verdict({ methods: [method] }), 'ERR_INTERNAL 500');
  });

  it('answers, and admits only evidence with a subject', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.boolean(), async (answer, throws) => {
        const method = fakeMethod('m', () => {
          if (throws) throw answer;
          return answer;
        });
        const decision = await decide({ methods: [method] });
        if (decision.outcome !== 'accepted') return;
        assert.equal(throws, false);
        const { subject } = answer as { subject: unknown };
        assert.ok(typeof subject === 'string' && subject !== '');
        assert.equal(decision.identity?.subject, subject);
      }),
    );
  });
});

describe('withPolicy', () => {
  const methods = (): ServerMethod[] => [fakeMethod('a', good), fakeMethod('b', null)];
  const either: Policy = { require: { anyOf: ['a', 'b'] } };

  it('replaces the members that the route names and keeps the rest', async () => {
    const verifier = createVerifier({ methods: methods(), policy: { ...either, allow: [] } });
    const route = verifier.withPolicy({ allow: [{ user: 'alice' }] });
    assert.equal(inWords(await route.decide(fakeExchange())), 'accepted');
    const stricter = route.withPolicy({ require: 'b' });
    assert.equal(inWords(await stricter.decide(fakeExchange())), 'ERR_CREDENTIAL_MISSING 403');
    const refused = route.withPolicy({ allow: [{ user: 'bob' }] });
    assert.equal(inWords(await refused.decide(fakeExchange())), 'ERR_NOT_ALLOWED 403');
    assert.equal(inWords(await verifier.decide(fakeExchange())), 'ERR_NOT_ALLOWED 403');
  });

  it('keeps methods, authorities and origins', async () => {
    const ambient = [fakeMethod('m', good, { ambient: true })];
    const verifier = createVerifier({
      methods: ambient,
      authorities: ['https://api.example'],
      origins: ['https://shop.example'],
    }).withPolicy({ maxAge: 5 });
    assert.deepEqual(verifier.methods, ambient);
    const fields = { origin: 'https://shop.example' };
    assert.equal(
      inWords(await verifier.decide(fakeExchange({ method: 'POST', fields }))),
      'accepted',
    );
    assert.equal(
      inWords(await verifier.decide(fakeExchange({ authority: 'evil.example' }))),
      'ERR_MISDIRECTED_REQUEST 421',
    );
  });

  it('refuses a policy that is wrong, unset or a promise', () => {
    const verifier = createVerifier({ methods: methods(), policy: either });
    for (const policy of [undefined, null, Promise.resolve({ require: 'a' }), 'a']) {
      assert.throws(() => verifier.withPolicy(policy as Policy), configError('policy'));
    }
    assert.throws(() => verifier.withPolicy({ require: 'c' }), configError('policy.require'));
    assert.throws(
      () => verifier.withPolicy({ allow: undefined } as never),
      configError('policy.allow', /environment variable/),
    );
  });
});

describe('two guards on one request', () => {
  for (const [what, answer, first, second] of [
    ['good', good, 'accepted', 'ERR_NOT_ALLOWED 403'],
    ['bad', bad, 'ERR_CERTIFICATE_EXPIRED 403', 'ERR_CERTIFICATE_EXPIRED 403'],
    ['broken', () => undefined, 'ERR_INTERNAL 500', 'ERR_INTERNAL 500'],
  ] as const) {
    it(`ask a method once where its answer is ${what}, and apply each its own policy`, async () => {
      const method = fakeMethod('m', answer);
      const outer = createVerifier({ methods: [method] });
      const inner = outer.withPolicy({ allow: [] });
      const another = createVerifier({ methods: [method] });
      const exchange = fakeExchange();
      outer.prepare(exchange);
      assert.equal(inWords(await outer.decide(exchange)), first);
      assert.equal(inWords(await inner.decide(exchange)), second);
      assert.equal(inWords(await another.decide(exchange)), first);
      assert.equal(method.calls, 1);
      await outer.decide(fakeExchange());
      assert.equal(method.calls, 2);
    });
  }
});

describe('prepare', () => {
  it('prepares every method once, also one that no policy names, and decides nothing', async () => {
    const prepared: string[] = [];
    const preparing = (name: string): ServerMethod =>
      fakeMethod(name, good, { prepare: () => void prepared.push(name) });
    const methods = [preparing('a'), preparing('b')];
    const verifier = createVerifier({ methods, policy: { require: 'a' } });
    const exchange = fakeExchange();
    verifier.prepare(exchange);
    verifier.prepare(exchange);
    await verifier.decide(exchange);
    assert.deepEqual(prepared, ['a', 'b']);
  });

  it('refuses as soon as a policy asks for a method that could not prepare', async () => {
    const broken = fakeMethod('broken', good, {
      prepare() {
        throw new AuthError('ERR_BODY_CONSUMED', 'gone');
      },
    });
    const methods = [fakeMethod('m', good), broken];
    const verifier = createVerifier({ methods, policy: { require: 'm' } });
    const exchange = fakeExchange();
    verifier.prepare(exchange);
    assert.equal(inWords(await verifier.decide(exchange)), 'accepted');
    const strict = verifier.withPolicy({ require: { anyOf: ['m', 'broken'] } });
    assert.equal(inWords(await strict.decide(exchange)), 'ERR_BODY_CONSUMED 500');
  });
});

describe('events', () => {
  it('say who was accepted, once', async () => {
    using events = recordEvents();
    await decide({}, { target: '/pay?token=secret' });
    await decide({ methods: [fakeMethod('m', null)], policy: { allowAnonymous: true } });
    const request = { method: 'GET', path: '/pay', address: '192.0.2.7' };
    assert.deepEqual(events.accepted, [
      { request, subject: 'key:good', method: 'm' },
      { request: { ...request, path: '/' }, subject: undefined, method: undefined },
    ]);
    assert.deepEqual(events.refused, []);
  });

  it('say why a request was refused, and with which status', async () => {
    using events = recordEvents();
    await decide({ methods: [fakeMethod('m', null)] });
    await decide({ methods: [fakeMethod('m', bad)] });
    assert.deepEqual(
      events.refused.map(({ code, status, reason }) => [code, status, reason]),
      [
        ['ERR_CREDENTIAL_MISSING', 403, 'nothing was presented for m'],
        ['ERR_CERTIFICATE_EXPIRED', 403, 'bad'],
      ],
    );
    assert.deepEqual(events.accepted, []);
  });

  it('say nothing of a step, which decides nothing', async () => {
    using events = recordEvents();
    await decide({ methods: [fakeMethod('m', step)] });
    assert.deepEqual([events.accepted, events.refused], [[], []]);
  });
});
