// One connection, many requests. What the attacker has: a genuine certificate and a proxy or a browser that
// puts several requests on one connection. What must happen: each is judged for itself.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Policy, type ServerMethod, createVerifier, mtls } from '../../src/index.ts';
import { guard, respond } from '../../src/node/index.ts';
import { testServer } from '../../src/pki/testing.ts';
import { connect } from '../support/connection.ts';
import { guarded, serverCertificate } from '../support/guarded.ts';
import { alice, authority } from '../support/pki.ts';

const shown = { cert: alice.cert, key: alice.key };
const policies: Readonly<Record<string, Policy>> = {
  '/staff': { allow: [{ dnsName: 'alice.example' }] },
  '/admin': { allow: [{ dnsName: 'admin.example' }] },
  '/public': { allowAnonymous: true },
};

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const last = 'Connection: close\r\n';

/** The statuses of the answers, in order. */
function statuses(answers: string): string[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status!);
}

describe('requests that share a connection', () => {
  it('C27: are judged each by its own policy, sent all at once', async () => {
    await using site = await guarded({ policy: ({ url = '' }) => policies[url] });
    using connection = await connect(site.port, shown);
    const paths = ['/staff', '/admin', '/public', '/admin', '/staff', '/other'];
    const answers = await connection.write(
      paths.map((path, i) => get(path, i === paths.length - 1 ? last : '')).join(''),
    );
    assert.deepEqual(statuses(answers), ['200', '403', '200', '403', '200', '200']);
    assert.equal(site.handled.length, 4);
  });

  it('C23: are judged each by its own Host, sent all at once', async () => {
    await using site = await guarded();
    using connection = await connect(site.port, shown);
    const elsewhere = get('/').replace('localhost', 'other.example');
    const answers = await connection.write(get('/') + elsewhere + get('/', last));
    assert.deepEqual(statuses(answers), ['200', '421', '200']);
    assert.equal(site.handled.length, 2);
  });

  it('M6: end with a refusal whose content is not all there', async () => {
    await using site = await guarded({ policy: ({ url = '' }) => policies[url] });
    using connection = await connect(site.port, shown);
    const smuggled = get('/staff', last);
    const head = `POST /admin HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${smuggled.length + 9}\r\n\r\n`;
    assert.deepEqual(statuses(await connection.write(head + smuggled)), ['403']);
    assert.equal(site.handled.length, 0);
  });

  it('C27: know nothing of what another verifier made of the certificate', async () => {
    const verifiers = ['a', 'b'].map((name) =>
      createVerifier({ methods: [mtls({ subject: () => `user:${name}` })] }),
    );
    const subjects: (string | undefined)[] = [];
    await using site = await testServer(
      (request, response) => {
        const verifier = verifiers[request.url === '/a' ? 0 : 1]!;
        void guard(verifier, request, response).then((decision) => {
          if (decision.outcome === 'accepted') subjects.push(decision.identity?.subject);
          response.end();
        });
      },
      { cert: serverCertificate.cert, key: serverCertificate.key, ca: authority.cert },
    );
    using connection = await connect(site.port, shown);
    await connection.write(get('/a') + get('/b') + get('/a', last));
    assert.deepEqual(subjects, ['user:a', 'user:b', 'user:a']);
  });

  it('get no unproven answer, also where it waits for the answer before it', async () => {
    const verify = () => ({ subject: 'key:a' });
    const prove: ServerMethod['prove'] = ({ target }) => {
      if (target === '/unproven') throw new Error('no key');
    };
    const verifier = createVerifier({ methods: [{ name: 'm', verify, prove }] });
    let finish = () => {};
    await using site = await testServer(
      (request, response) => {
        void guard(verifier, request, response).then((decision) => {
          if (decision.outcome !== 'accepted') return respond(request, response, decision.response);
          if (request.url === '/unproven') {
            response.end('must not be read');
            finish();
          } else {
            finish = () => void response.end('first');
          }
        });
      },
      { cert: serverCertificate.cert, key: serverCertificate.key, ca: authority.cert },
    );
    using connection = await connect(site.port, shown);
    const answers = await connection.write(get('/slow') + get('/unproven', last));
    assert.deepEqual(statuses(answers), ['200']);
    assert.match(answers, /first$/);
  });
});

describe('X4: several guards on one request', () => {
  const bobOnly: Policy = { allow: [{ dnsName: 'bob.example' }] };

  for (const [name, first, second, handled] of [
    ['both must pass: the second refuses', {}, bobOnly, 0],
    ['both must pass: the first refuses', bobOnly, {}, 0],
    ['both pass', {}, { require: 'mtls' }, 1],
  ] as const) {
    it(`${name}, and the evidence is looked for once`, async () => {
      let calls = 0;
      const genuine = mtls();
      const counting: ServerMethod = {
        ...genuine,
        verify: (exchange, services) => (calls++, genuine.verify(exchange, services)),
      };
      const verifier = createVerifier({ methods: [counting] });
      let reached = 0;
      await using site = await testServer(
        (request, response) => {
          void (async () => {
            for (const policy of [first, second]) {
              const decision = await guard(verifier, request, response, policy);
              if (decision.outcome !== 'accepted') {
                return respond(request, response, decision.response);
              }
            }
            reached++;
            response.end();
          })();
        },
        { cert: serverCertificate.cert, key: serverCertificate.key, ca: authority.cert },
      );
      using connection = await connect(site.port, shown);
      assert.equal((await connection.send()).status, handled === 1 ? 200 : 403);
      assert.deepEqual([reached, calls], [handled, 1]);
    });
  }

  it('a refusal that is written twice is sent once', async () => {
    const verifier = createVerifier({ methods: [mtls()], policy: { allow: [] } });
    await using site = await testServer(
      (request, response) => {
        void guard(verifier, request, response).then((decision) => {
          if (decision.outcome !== 'refused') return;
          respond(request, response, decision.response);
          respond(request, response, decision.response);
        });
      },
      { cert: serverCertificate.cert, key: serverCertificate.key, ca: authority.cert },
    );
    using connection = await connect(site.port, shown);
    assert.deepEqual(statuses(await connection.write(get('/', last))), ['403']);
  });
});
