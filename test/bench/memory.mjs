// What is kept for each connection once its peer is known. Needs `--expose-gc`.
import { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createVerifier, mtls } from 'countersign';
import { guard } from 'countersign/node';
import { answerParent } from './answer-parent.mjs';
import { keptConnections } from './kept-connection.mjs';

answerParent({
  /** Bytes per connection, on connections of a server that nobody has looked at before. */
  async measure({ material, connections }) {
    const verifier = createVerifier({ methods: [mtls()] });
    const { sockets, close } = await keptConnections(material, connections);
    const before = await used();
    for (const socket of sockets) await requestOn(socket, verifier, material.subject);
    const kept = (await used()) - before;
    // Keeps the verifier, and with it what it remembers, until here.
    await requestOn(sockets[0], verifier, material.subject);
    await close();
    return kept / connections;
  },
});

async function requestOn(socket, verifier, subject) {
  const request = new IncomingMessage(socket);
  request.method = 'GET';
  request.url = '/accounts/7';
  request.rawHeaders = ['Host', 'localhost'];
  const { identity } = await guard(verifier, request, new ServerResponse(request));
  if (identity.subject !== subject) throw new Error(`subject is ${identity.subject}`);
}

async function used() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await delay(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
