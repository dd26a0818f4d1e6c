import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { describe, it } from 'node:test';
import type { IncomingMessage } from 'node:http';
import { Agent as UndiciAgent } from 'undici';
import { Identity, createClient, mtlsClient } from '../../src/client/index.ts';
import { type IssueOptions, testAuthority } from '../../src/pki/testing.ts';
import { authority, clientOf, credentials, site } from './support.ts';

describe('fetch', () => {
  it("takes Node's Request, with its content", async () => {
    await using there = await site({}, {}, (req, res) => void req.pipe(res));
    const client = clientOf(there.origin);
    const answer = await client.fetch(
      new Request(`${there.origin}/pay`, { method: 'POST', body: 'ten pounds' }),
    );
    assert.equal(await answer.text(), 'ten pounds');
    assert.deepEqual(there.requests, ['POST /pay']);
    await client.close();
  });

  it('takes a URL object and a streaming content', async () => {
    await using there = await site({}, {}, (req, res) => void req.pipe(res));
    const client = clientOf(there.origin);
    const body = new Blob(['ten ', 'pounds']).stream();
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    assert.equal(await (await client.fetch(new URL(there.origin), init)).text(), 'ten pounds');
    await client.close();
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`follows no ${status} to an origin that is not listed`, async () => {
      await using thief = await site();
      await using there = await site({}, {}, (_req, res) => {
        res.writeHead(status, { location: `${thief.origin}/take` }).end();
      });
      const client = clientOf(there.origin);
      await assert.rejects(client.fetch(there.origin), { code: 'ERR_ORIGIN_NOT_LISTED' });
      assert.equal(thief.connections(), 0);
      await client.close();
    });
  }

  it('follows a redirect to another listed origin, and says who answered in the end', async () => {
    const issue = (path: string): IssueOptions => ({
      dnsNames: ['localhost'],
      spiffeId: `spiffe://bank.example/${path}`,
    });
    await using second = await site(issue('b'));
    await using first = await site(issue('a'), {}, (_req, res) => {
      res.writeHead(302, { location: second.origin }).end();
    });
    const client = clientOf(first.origin, { origins: [first.origin, second.origin] });
    const answer = await client.fetch(first.origin);
    assert.equal(await answer.text(), 'hello');
    assert.equal(client.identityOf(answer).subject, 'spiffe://bank.example/b');
    await client.close();
  });

  for (const url of ['data:text/plain,hello', 'blob:nodedata:1', 'about:blank', 'hello', '']) {
    it(`answers nothing that no server has proven: ${JSON.stringify(url)}`, async () => {
      const client = clientOf('https://localhost');
      await assert.rejects(client.fetch(url), { code: 'ERR_ORIGIN_NOT_LISTED' });
    });
  }

  it('names no secrets of a URL that it refuses', async () => {
    const client = clientOf('https://localhost');
    await assert.rejects(
      client.fetch('https://alice:hunter2@other.example/token?key=hunter2'),
      ({ message }: Error) => message.includes('other.example') && !/alice|hunter2/.test(message),
    );
  });

  it('ignores a dispatcher among the options or in the Request', async () => {
    const stranger = testAuthority();
    await using there = await site({}, stranger.issue());
    const trusting = new UndiciAgent({ connect: { ca: stranger.cert } });
    const client = clientOf(there.origin);
    const init = { dispatcher: trusting as never } satisfies RequestInit;
    const code = 'ERR_CERTIFICATE_UNTRUSTED';
    await assert.rejects(client.fetch(there.origin, init), { code });
    await assert.rejects(client.fetch(new Request(there.origin, init)), { code });
    await Promise.all([client.close(), trusting.close()]);
  });

  it('can be aborted', async () => {
    const arrived: (() => void)[] = [];
    const waiting = new Promise<void>((resolve) => arrived.push(resolve));
    await using there = await site({}, {}, () => arrived[0]!());
    const client = clientOf(there.origin);
    const controller = new AbortController();
    const answer = client.fetch(there.origin, { signal: controller.signal });
    await waiting;
    controller.abort();
    await assert.rejects(answer, { name: 'AbortError' });
    await client.close();
  });

  it('sees an interim response as none of its own', async () => {
    await using there = await site({}, {}, (_req, res) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' });
      res.end('hello');
    });
    const client = clientOf(there.origin);
    assert.equal(await (await client.fetch(there.origin)).text(), 'hello');
    await client.close();
  });
});

describe('identityOf', () => {
  const id = 'spiffe://bank.example/api';

  it('says who answered a fetch', async () => {
    const leaf = authority.issue({ dnsNames: ['localhost'], spiffeId: id });
    await using there = await site({}, leaf);
    const client = clientOf(there.origin);
    const before = new Date();
    const identity = client.identityOf(await client.fetch(there.origin));
    assert.equal(Identity.isIdentity(identity), true);
    assert.equal(identity.subject, id);
    assert.equal(identity.method, 'mtls');
    assert.equal(identity.evidence.mtls?.x5tS256, leaf.x5tS256);
    assert.deepEqual(identity.evidence.mtls?.dnsNames, ['localhost']);
    assert.equal(identity.verifiedAt >= before, true);
    await client.close();
  });

  it('tells the servers of concurrent requests apart', async () => {
    await using a = await site({ spiffeId: `${id}/a`, dnsNames: ['localhost'] });
    await using b = await site({ spiffeId: `${id}/b`, dnsNames: ['localhost'] });
    const client = clientOf(a.origin, { origins: [a.origin, b.origin] });
    const origins = [a, b, a, b, b, a].map(({ origin }) => origin);
    const answers = await Promise.all(origins.map((origin) => client.fetch(origin)));
    assert.deepEqual(
      answers.map((answer) => client.identityOf(answer).subject),
      origins.map((origin) => (origin === a.origin ? `${id}/a` : `${id}/b`)),
    );
    await client.close();
  });

  it('says who answered a request of node:https, and to whom it was sent', async () => {
    await using there = await site({ spiffeId: id, dnsNames: ['localhost'] });
    const client = clientOf(there.origin);
    const sent = request(there.origin, { agent: client.agent });
    assert.throws(() => client.identityOf(sent), { code: 'ERR_IDENTITY_MISSING' });
    const [answer] = (await once(sent.end(), 'response')) as [IncomingMessage];
    assert.equal(client.identityOf(answer).subject, id);
    await once(answer.resume(), 'end');
    await new Promise(setImmediate);
    assert.equal(client.identityOf(answer).subject, id);
    assert.equal(client.identityOf(sent).subject, id);
    await client.close();
  });

  it('knows nothing of what other clients received, nor of copies', async () => {
    await using there = await site();
    const client = clientOf(there.origin);
    const other = createClient({
      methods: [mtlsClient({ cert: credentials.cert, key: credentials.key })],
      server: { origins: [there.origin], ca: authority.cert },
    });
    const answer = await client.fetch(there.origin);
    for (const ask of [
      () => other.identityOf(answer),
      () => client.identityOf(answer.clone()),
      () => client.identityOf({} as Response),
    ]) {
      assert.throws(ask, { name: 'AuthError', code: 'ERR_IDENTITY_MISSING' });
    }
    await Promise.all([client.close(), other.close()]);
  });
});
