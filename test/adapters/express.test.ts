import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expectTypeOf } from 'expect-type';
import express5, { type RequestHandler } from 'express';
import express4 from 'express4';
import { identityOf, mutualAuth, prepare } from '../../adapters/express.ts';
import { type Identity, createVerifier, mtls } from '../../src/index.ts';
import { fakeIdentity } from '../../src/pki/testing.ts';
import { type Adapter, runContract } from './contract.ts';

function adapter(name: string, express: typeof express5): Adapter {
  return {
    name,
    application(routes) {
      const app = express();
      // Express prints the errors of handlers to the peer and to stderr outside production.
      app.set('env', 'test');
      for (const [path, { guards, run, parser, answered }] of Object.entries(routes)) {
        const parse: RequestHandler[] = [express.json()];
        const early: RequestHandler = (_req, res, next) => {
          res.send('answered before');
          next();
        };
        app.all(
          path,
          ...(answered === true ? [early] : []),
          ...(parser === 'before' ? parse : []),
          ...guards.map(([verifier, policy]) =>
            policy === undefined ? mutualAuth(verifier) : mutualAuth(verifier, policy),
          ),
          ...(parser === 'after' ? parse : []),
          (req, res, next) => {
            // Express 4 waits for no promise.
            void Promise.resolve(run?.()).then(
              () => res.json({ subject: req.identity?.subject, body: req.body }),
              next,
            );
          },
        );
      }
      return app;
    },
  };
}

runContract(adapter('Express 5', express5));
runContract(adapter('Express 4', express4));

describe('mutualAuth', () => {
  it('fits into Express without a cast, and types req.identity', () => {
    expectTypeOf(mutualAuth()).toExtend<RequestHandler>();
    const handler: RequestHandler = (req) => {
      expectTypeOf(req.identity).toEqualTypeOf<Identity | undefined>();
    };
    assert.equal(typeof handler, 'function');
  });

  it('takes nothing, options, a verifier, or a verifier and a policy', () => {
    const verifier = createVerifier({ methods: [mtls()] });
    for (const given of [[], [{ methods: [mtls()] }], [verifier], [verifier, { allow: [] }]]) {
      assert.equal(typeof (mutualAuth as (...args: unknown[]) => unknown)(...given), 'function');
    }
  });

  for (const [what, given] of Object.entries({
    'undefined for options': [undefined],
    'undefined for a policy': [createVerifier({ methods: [mtls()] }), undefined],
    'options with a policy behind them': [{ methods: [mtls()] }, {}],
    'a misspelt option': [{ method: [mtls()] }],
    'a misspelt member of a policy': [createVerifier({ methods: [mtls()] }), { alow: [] }],
    'an unset variable in a policy': [createVerifier({ methods: [mtls()] }), { allow: undefined }],
    'an unset variable in a match': [
      createVerifier({ methods: [mtls()] }),
      { allow: [{ spiffeId: undefined }] },
    ],
  })) {
    it(`C28: throws while the program starts for ${what}`, () => {
      assert.throws(() => (mutualAuth as (...args: unknown[]) => unknown)(...given), {
        name: 'ConfigError',
      });
    });
  }
});

describe('prepare', () => {
  it('lets every method see the request, decides nothing and goes on', () => {
    const verifier = createVerifier({ methods: [mtls()] });
    let next = 0;
    const request = { headers: {}, rawHeaders: [], socket: {} } as never;
    prepare(verifier)(request, {} as never, () => next++);
    assert.equal(next, 1);
  });
});

describe('identityOf', () => {
  it('answers the identity that a guard has put there', () => {
    const identity = fakeIdentity();
    assert.equal(identityOf({ identity }), identity);
  });

  for (const identity of [undefined, { subject: 'dns:admin.example' } as never]) {
    it(`throws for ${JSON.stringify(identity)}, which no verifier made`, () => {
      assert.throws(() => identityOf({ identity }), { code: 'ERR_IDENTITY_MISSING', status: 500 });
    });
  }
});
