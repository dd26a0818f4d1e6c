// `Strategy` next to that of passport-client-cert, over the same connections: what both do, and what is
// different on purpose.
import assert from 'node:assert/strict';
import { afterEach, describe, it, mock } from 'node:test';
import type { ConnectionOptions, PeerCertificate, TLSSocket } from 'node:tls';
import { expectTypeOf } from 'expect-type';
import express, { type ErrorRequestHandler, type Request } from 'express';
import passport from 'passport';
import clientCert from 'passport-client-cert';
import { type Done, Strategy } from '../../adapters/passport.ts';
import { type TestServer, testAuthority, testServer } from '../../src/pki/testing.ts';
import { type Sent, connect } from '../support/connection.ts';
import { serverCertificate } from '../support/guarded.ts';
import { alice, authority, bob, day, impostor } from '../support/pki.ts';

type Constructor = new (...args: unknown[]) => passport.Strategy;
type Verify = (certificate: PeerCertificate, done: Done) => void;

const here = Strategy as unknown as Constructor;
// Its types name the arguments in another order than its code passes them.
const there = clientCert.Strategy as unknown as Constructor;
const both = { here, there } as const;

const { cert, key } = serverCertificate;
const tls = { cert, key, ca: authority.cert };
const fingerprintOf: Verify = ({ fingerprint256 }, done) => done(null, { fingerprint256 });

interface Site extends TestServer {
  readonly errors: unknown[];
}

interface Setup {
  readonly args?: readonly unknown[];
  readonly tls?: Partial<Parameters<typeof testServer>[1]>;
  /** A strategy behind this one that lets everybody pass. */
  readonly list?: boolean;
}

async function serve(Each: Constructor, { args = [fingerprintOf], ...setup }: Setup = {}) {
  const authenticator = new passport.Passport();
  authenticator.use(new Each(...args));
  authenticator.use('anybody', {
    authenticate(this: passport.StrategyCreatedStatic) {
      this.success({ name: 'anybody' });
    },
  } as passport.Strategy);
  const app = express().set('env', 'test');
  const names = ['client-cert', ...(setup.list === true ? ['anybody'] : [])];
  app.use(authenticator.authenticate(names, { session: false }), (req, res) => {
    res.json({ user: req.user, subject: req.identity?.subject, info: req.authInfo });
  });
  const errors: unknown[] = [];
  app.use(((error, _req, _res, next) => {
    errors.push(error);
    next(error);
  }) satisfies ErrorRequestHandler);
  const site: Site = { ...(await testServer(app, { ...tls, ...setup.tls })), errors };
  return site;
}

async function send(site: Site, options: ConnectionOptions = {}, sent: Sent = {}) {
  using connection = await connect(site.port, options);
  return await connection.send(sent);
}

afterEach(() => mock.restoreAll());

for (const [which, Each] of Object.entries(both)) {
  describe(`the strategy client-cert, ${which}`, () => {
    it('has this name', () => {
      assert.equal(new Each(fingerprintOf).name, 'client-cert');
    });

    it('gives `verify` the certificate as the socket shows it, and its user to the handler', async () => {
      const rich = authority.issue({
        subject: 'rich',
        dnsNames: ['rich.example', 'other.example'],
        keyType: 'rsa-2048',
        ocspUris: ['http://ocsp.example/'],
      });
      for (const who of [alice, rich]) {
        const seen: unknown[] = [];
        const verify = (req: Request, certificate: PeerCertificate, done: Done): void => {
          seen.push(certificate, (req.socket as TLSSocket).getPeerCertificate());
          done(null, { name: certificate.subject.CN }, { ignored: true });
        };
        await using site = await serve(Each, { args: [{ passReqToCallback: true }, verify] });
        const { status, body } = await send(site, who);
        assert.equal(status, 200);
        const { user, info } = JSON.parse(body) as { user: unknown; info: unknown };
        assert.deepEqual([user, info], [{ name: (seen[1] as PeerCertificate).subject.CN }, {}]);
        assert.deepStrictEqual(seen[0], seen[1]);
      }
    });

    it('takes `verify` alone, or behind options', async () => {
      for (const args of [
        [fingerprintOf],
        [{}, fingerprintOf],
        [{ passReqToCallback: false }, fingerprintOf],
      ]) {
        await using site = await serve(Each, { args });
        assert.equal((await send(site, alice)).status, 200);
      }
    });

    it('is not made without `verify`', () => {
      assert.throws(() => new Each({}));
    });

    it('gives each request a certificate object of its own', async () => {
      let marked = 0;
      const verify: Verify = (certificate, done) => {
        if ('mark' in certificate) marked++;
        done(null, Object.assign(certificate, { mark: true }));
      };
      await using site = await serve(Each, { args: [verify] });
      using connection = await connect(site.port, alice);
      for (let i = 0; i < 2; i++) assert.equal((await connection.send()).status, 200);
      assert.equal(marked, 0);
    });

    for (const [what, options] of Object.entries<ConnectionOptions>({
      'without a certificate': {},
      'whose certificate another CA issued': impostor.issue({ dnsNames: ['alice.example'] }),
      'whose certificate has ended': authority.issue({ notAfter: new Date(Date.now() - 1000) }),
      'whose certificate is not valid yet': authority.issue({
        notBefore: new Date(Date.now() + day),
      }),
      'whose certificate is for servers': authority.issue({ usage: 'serverAuth' }),
    })) {
      it(`answers a peer ${what} with 401, and lets a later strategy go on`, async () => {
        await using alone = await serve(Each);
        const { status, headers, body } = await send(alone, options);
        assert.deepEqual([status, body], [401, 'Unauthorized']);
        assert.equal(headers['www-authenticate'], undefined);
        await using list = await serve(Each, { list: true });
        const { user } = JSON.parse((await send(list, options)).body) as { user: unknown };
        assert.deepEqual(user, { name: 'anybody' });
      });
    }

    it('answers a resumed session without a certificate with 401', async () => {
      await using site = await serve(Each);
      using first = await connect(site.port);
      await first.send();
      using again = await connect(site.port, { session: first.session });
      assert.deepEqual([again.resumed, (await again.send()).status], [true, 401]);
    });

    it('answers 401 where `verify` knows no such user, whatever it says of it', async () => {
      const verify: Verify = (_certificate, done) => done(null, false, 'Own realm="users"');
      await using site = await serve(Each, { args: [verify] });
      const { status, headers } = await send(site, alice);
      assert.deepEqual([status, headers['www-authenticate']], [401, undefined]);
    });

    it('gives an error of `verify` to the application', async () => {
      const failure = new Error('the directory is down');
      await using site = await serve(Each, {
        args: [((_certificate, done) => done(failure)) satisfies Verify],
        list: true,
      });
      assert.equal((await send(site, alice)).status, 500);
      assert.deepEqual(site.errors, [failure]);
    });
  });
}

interface Difference {
  readonly what: string;
  /** The status of the answer. */
  readonly here: number;
  readonly there: number;
  run(site: Site): Promise<number>;
  readonly setup?: Setup;
}

/** A request over a connection on which one was answered before something happened. */
async function keptAcross(site: Site, happen: () => void): Promise<number> {
  using connection = await connect(site.port, alice);
  assert.equal((await connection.send()).status, 200);
  happen();
  return (await connection.send()).status;
}

const nobody = authority.issue({ subject: [], dnsNames: [] });
const twoIds = authority.issue({
  uris: ['spiffe://bank.example/teller', 'spiffe://bank.example/chief'],
});

const differences: readonly Difference[] = [
  {
    what: 'a certificate that has ended since the handshake',
    here: 401,
    there: 200,
    run: (site) =>
      keptAcross(site, () => {
        const later = Date.now() + 2 * day;
        mock.method(Date, 'now', () => later);
      }),
  },
  {
    what: 'a kept connection, after the server was given another CA',
    here: 401,
    there: 200,
    run: (site) =>
      keptAcross(site, () => site.server.setSecureContext({ ...tls, ca: testAuthority().cert })),
  },
  {
    what: 'a kept connection, after the server was given a CRL',
    here: 401,
    there: 200,
    run: (site) =>
      keptAcross(site, () => site.server.setSecureContext({ ...tls, crl: authority.crl().pem })),
  },
  {
    what: 'a request for another host than the connection was made to',
    here: 401,
    there: 200,
    run: async (site) =>
      (await send(site, alice, { headers: { host: `other.example:${site.port}` } })).status,
  },
  {
    what: 'a POST that a page of another origin makes',
    here: 401,
    there: 200,
    run: async (site) => {
      const headers = { origin: 'https://other.example', 'sec-fetch-site': 'cross-site' };
      return (await send(site, alice, { method: 'POST', headers })).status;
    },
  },
  {
    what: 'a certificate without any name',
    here: 401,
    there: 200,
    run: async (site) => (await send(site, nobody)).status,
  },
  {
    what: 'a certificate with two SPIFFE IDs',
    here: 401,
    there: 200,
    run: async (site) => (await send(site, twoIds)).status,
  },
  {
    what: 'a peer without a certificate, where the TLS server has no `ca`',
    here: 500,
    there: 401,
    setup: { tls: { ca: undefined } },
    run: async (site) => (await send(site)).status,
  },
];

describe('what is different on purpose', () => {
  for (const { what, run, setup, ...expected } of differences) {
    it(`${what}: here ${expected.here}, there ${expected.there}`, async () => {
      for (const which of ['here', 'there'] as const) {
        await using site = await serve(both[which], setup);
        assert.equal(await run(site), expected[which], which);
        mock.restoreAll();
      }
    });
  }

  it('`req.identity`: here set beside `req.user`, there not', async () => {
    for (const [which, subject] of [
      ['here', 'dns:bob.example'],
      ['there', undefined],
    ] as const) {
      await using site = await serve(both[which]);
      const { body } = await send(site, bob);
      assert.equal((JSON.parse(body) as { subject?: string }).subject, subject);
    }
  });

  it('a fault of the server itself: here an error that ends a list, there a 401', async () => {
    const setup: Setup = { tls: { ca: undefined }, list: true };
    await using ours = await serve(here, setup);
    assert.equal((await send(ours)).status, 500);
    await using theirs = await serve(there, setup);
    assert.equal((await send(theirs)).status, 200);
  });

  for (const [what, args] of Object.entries({
    'an option it does not know': [{ passRequestToCallback: true }, fingerprintOf],
    'an option that is unset': [{ passReqToCallback: undefined }, fingerprintOf],
    'an option that is neither true nor false': [{ passReqToCallback: 1 }, fingerprintOf],
    'a `verify` that is no function': [{}, {}],
  })) {
    it(`${what}: here a ConfigError while the program starts, there nothing`, () => {
      assert.throws(() => new here(...args), { name: 'ConfigError' });
      assert.equal(new there(...args).name, 'client-cert');
    });
  }
});

describe('the types of Strategy', () => {
  it('have the arguments in the order in which they come', () => {
    const strategies = [
      new Strategy((certificate, done) => {
        expectTypeOf(certificate).toEqualTypeOf<PeerCertificate>();
        done(null, certificate);
      }),
      new Strategy({ passReqToCallback: true }, (req: Request, certificate, done) => {
        expectTypeOf(certificate).toEqualTypeOf<PeerCertificate>();
        done(null, { path: req.path });
      }),
    ];
    expectTypeOf(strategies[0]!).toExtend<passport.Strategy>();
    assert.equal(strategies.length, 2);
  });
});
