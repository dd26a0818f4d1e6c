// What a certificate costs that a trusted proxy hands over, without HTTP around it.
import { once } from 'node:events';
import { IncomingMessage, ServerResponse, createServer } from 'node:http';
import { connect } from 'node:net';
import { createVerifier, mtls, validatePath } from 'countersign';
import { guard } from 'countersign/node';
import { answerParent } from './answer-parent.mjs';

let socket;
let verifier;

answerParent({
  async connect({ trustAnchors }) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    connect(server.address().port, '127.0.0.1');
    [socket] = await once(server, 'connection');
    const methods = [mtls({ trustAnchors })];
    const trustedProxies = [{ preset: 'rfc9440', addresses: ['127.0.0.1'] }];
    verifier = createVerifier({ methods, trustedProxies });
  },
  /** Microseconds per certificate: to read it and validate its path, and all that its first request takes. */
  async first({ leaves, trustAnchors }) {
    const ders = leaves.map((leaf) => Buffer.from(leaf, 'base64'));
    const path = await each(leaves.length, async (i) => {
      const { valid } = await validatePath({ leaf: ders[i], trustAnchors, purpose: 'clientAuth' });
      if (!valid) throw new Error('the path is valid');
    });
    const fields = fieldsOf(leaves);
    const bare = await each(leaves.length, (i) => arrived(fields[i]));
    const guarded = await each(leaves.length, (i) => decide(fields[i]));
    return { path, first: guarded - bare };
  },
  /** Microseconds per request of certificates that are known. */
  async again({ leaves, requests }) {
    const fields = fieldsOf(leaves);
    const bare = await each(requests, (i) => arrived(fields[i % fields.length]));
    const guarded = await each(requests, (i) => decide(fields[i % fields.length]));
    return guarded - bare;
  },
});

function fieldsOf(leaves) {
  return leaves.map((leaf) => Buffer.from(`:${leaf}:`));
}

async function decide(field) {
  const decision = await guard(verifier, ...arrived(field));
  if (decision.identity?.evidence.mtls?.source !== 'proxy') throw decision.error;
}

/** @param field as bytes: what HTTP parses are new strings each time */
function arrived(field) {
  const request = new IncomingMessage(socket);
  request.method = 'GET';
  request.url = '/accounts/7?currency=EUR';
  request.httpVersionMajor = 1;
  const names = ['Host', 'api.example', 'Connection', 'keep-alive', 'Accept', '*/*'];
  request.rawHeaders = [...names, 'Client-Cert', field.toString('latin1')];
  // Node makes the headers of as many lines as it has counted.
  const count = Object.getOwnPropertySymbols(request).find(
    ({ description }) => description === 'kHeadersCount',
  );
  request[count] = request.rawHeaders.length;
  void request.headers;
  return [request, new ServerResponse(request)];
}

async function each(times, work) {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) await work(i);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}
