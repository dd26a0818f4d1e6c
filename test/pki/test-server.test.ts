import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type RequestOptions } from 'node:https';
import { describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { testAuthority, testServer } from '../../src/pki/testing.ts';

const root = testAuthority();
const { cert, key } = root.intermediate().issue();
const tls = { cert, key, ca: root.cert };

async function answer(origin: string, options: RequestOptions = {}): Promise<string> {
  const sent = request(origin, { ca: root.cert, agent: false, ...options }).end();
  const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('testServer', () => {
  it('shows the handler a client certificate and what TLS made of it', async () => {
    await using server = await testServer((req, res) => {
      const socket = req.socket as TLSSocket;
      res.end(`${socket.authorized} ${socket.getPeerCertificate().serialNumber ?? 'none'}`);
    }, tls);
    const client = root.issue();
    assert.equal(await answer(server.origin, client), `true ${client.serialNumber}`);
    const foreign = testAuthority().issue();
    assert.equal(await answer(server.origin, foreign), `false ${foreign.serialNumber}`);
    assert.equal(await answer(server.origin), 'false none');
  });

  it('takes any option of https.createServer', async () => {
    await using server = await testServer((_, res) => res.end(), { ...tls, maxVersion: 'TLSv1.2' });
    const socket = connect({ port: server.port, host: '127.0.0.1', ca: root.cert });
    await once(socket, 'secureConnect');
    assert.equal(socket.getProtocol(), 'TLSv1.2');
    socket.destroy();
  });

  it('closes with connections that idle, wait for an answer or never shake hands', async () => {
    const server = await testServer(() => {}, tls);
    const waiting = request(server.origin, { ca: root.cert, agent: false }).end();
    const refused = once(waiting, 'error');
    const idle = connect({ port: server.port, host: '127.0.0.1', ca: root.cert }).on(
      'error',
      () => {},
    );
    await Promise.all([once(server.server, 'request'), once(idle, 'secureConnect')]);
    const ended = once(idle, 'close');
    await server.close();
    await Promise.all([refused.catch(() => {}), ended]);
    await server.close();
  });
});
