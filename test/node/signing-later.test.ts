// Signatures that come later: from a KMS or an HSM.
import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { signedResponses } from '../../src/methods/signature/proof.ts';
import {
  acceptSignature,
  ask,
  askHttp2,
  authority,
  confirm,
  seesTrailers,
  signingPair,
} from '../support/confirming.ts';
import { recordEvents } from '../support/events.ts';
import { signingService, signingVerifier } from '../support/signing-service.ts';

async function signLater(base: Uint8Array): Promise<Uint8Array> {
  await turn();
  await turn();
  return sign(null, base, signingPair.privateKey);
}

function remote(by: (base: Uint8Array) => Promise<Uint8Array>) {
  return signingVerifier(signedResponses({ keyId: 'kms', algorithm: 'ed25519', sign: by }));
}

const verifier = remote(signLater);
const failing = remote(() => Promise.reject(new Error('the HSM is gone')));

const ways: Readonly<Record<string, (res: ServerResponse) => unknown>> = {
  end: (res) => res.end('abc'),
  'a head and end': (res) => res.writeHead(200, { 'content-type': 'text/plain' }).end('abc'),
  'writes in one step'(res) {
    res.write('a');
    res.write('b');
    res.end('c');
  },
  async 'writes over many'(res) {
    res.flushHeaders();
    for (const text of ['a', 'b', 'c']) {
      if (!res.write(text)) await once(res, 'drain');
      await turn();
    }
    res.end();
  },
};

for (const [protocol, send] of Object.entries({ 'HTTP/1.1': ask, 'HTTP/2': askHttp2 })) {
  const http2 = protocol === 'HTTP/2';
  describe(`a signature that comes later, over ${protocol}`, () => {
    for (const [name, write] of Object.entries(ways)) {
      it(`is waited for, and the order of writes is kept: ${name}`, async () => {
        const handler = (_req: unknown, res: ServerResponse) => write(res);
        await using service = await signingService(handler, { verifier, http2 });
        for (const headers of [{}, seesTrailers]) {
          const answered = await send(service.port, { headers });
          assert.equal(answered.content.toString(), 'abc');
          const known = !('te' in headers) || name.includes('end');
          assert.deepEqual(confirm(answered), {
            content: known ? 'in the head' : 'in trailers',
            keyid: 'kms',
          });
        }
      });

      it(`that fails ends the response: ${name}`, async () => {
        const handler = (_req: unknown, res: ServerResponse) => {
          res.on('error', () => {});
          return write(res);
        };
        await using service = await signingService(handler, { verifier: failing, http2 });
        for (const headers of [{}, seesTrailers]) {
          using events = recordEvents();
          await assert.rejects(send(service.port, { headers }));
          assert.deepEqual(
            events.proof.map(({ method, cause }) => [method, String(cause)]),
            [['signedResponses', 'Error: the HSM is gone']],
          );
        }
      });
    }

    it('signs a refusal as well, and answers without content', async () => {
      await using service = await signingService((_req, res) => res.writeHead(204).end(), {
        verifier,
        http2,
      });
      const refused = await send(service.port, { headers: { 'x-refuse': '1' } });
      assert.equal(refused.status, 403);
      assert.equal(confirm(refused).content, 'in the head');
      assert.equal(confirm(await send(service.port)).content, 'it has none');
    });
  });
}

describe('a response that waits for its signature', () => {
  it('has been sent and ended, to whoever asks', async () => {
    let seen: unknown;
    await using service = await signingService(
      (_req, res) => {
        res.end('abc');
        seen = [res.headersSent, res.writableEnded];
        assert.throws(() => res.setHeader('x', '1'), { code: 'ERR_HTTP_HEADERS_SENT' });
      },
      { verifier },
    );
    await ask(service.port);
    assert.deepEqual(seen, [true, true]);
  });

  it('tells its writer to wait', async () => {
    let room: boolean | undefined;
    await using service = await signingService(
      (_req, res) => {
        room = res.write('abc');
        res.end();
      },
      { verifier },
    );
    await ask(service.port, { headers: seesTrailers });
    assert.equal(room, false);
  });

  it('is forgotten where the client has gone', async () => {
    using events = recordEvents();
    let finish: (signature: Uint8Array) => void = () => {};
    const pending = new Promise<Uint8Array>((resolve) => (finish = resolve));
    const asked = new EventEmitter();
    await using service = await signingService(
      (_req, res) => {
        asked.emit('response', res.end('abc'));
      },
      { verifier: remote(() => pending) },
    );
    const headers = { host: authority, 'accept-signature': acceptSignature() };
    const outgoing = httpRequest({ port: service.port, host: '127.0.0.1', headers, agent: false });
    outgoing.on('error', () => {}).end();
    const [answered] = (await once(asked, 'response')) as [ServerResponse];
    const closed = once(answered, 'close');
    outgoing.destroy();
    await closed;
    finish(Buffer.alloc(64));
    await pending;
    await turn();
    assert.equal(answered.writableFinished, false);
    assert.equal(events.proof.length, 0);
  });
});

describe('a signature that fails for the trailers only', () => {
  it('leaves the content without its end', async () => {
    using events = recordEvents();
    let calls = 0;
    const signOnce = async (base: Uint8Array): Promise<Uint8Array> => {
      if (calls++ > 0) throw new Error('the HSM is gone');
      return await signLater(base);
    };
    await using service = await signingService(
      (_req, res) => {
        res.write('abc');
        res.end();
      },
      { verifier: remote(signOnce) },
    );
    await assert.rejects(ask(service.port, { headers: seesTrailers }), { code: 'ECONNRESET' });
    assert.equal(events.proof.length, 1);
  });
});
