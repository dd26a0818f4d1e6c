// What our own path validation costs: by itself against the calls of node:crypto that it cannot do without,
// and on connections that nobody has looked at before. Needs `--expose-gc`.
import { X509Certificate, createPublicKey, verify } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { createVerifier, mtls, readCertificate, validatePath } from 'countersign';
import { guard } from 'countersign/node';
import { answerParent } from './answer-parent.mjs';
import { keptConnections } from './kept-connection.mjs';

let loaded;

answerParent({
  /** Microseconds per chain of three, leaf first: what it needs, and all of it. */
  async chain({ chain, times }) {
    const [leaf, intermediate, root] = chain.map((pem) => new X509Certificate(pem).raw);
    const certificates = [leaf, intermediate, root].map((der) => readCertificate(der));
    const bare = () => {
      const keys = certificates.map(({ spki }) =>
        createPublicKey({ key: spki, format: 'der', type: 'spki' }),
      );
      for (const [i, { signed }] of certificates.slice(0, 2).entries()) {
        if (!verify('sha256', signed.content, keys[i + 1], signed.signature))
          throw new Error('bad');
      }
    };
    const ours = async () => {
      const { valid, reason } = await validatePath({
        leaf,
        intermediates: intermediate,
        trustAnchors: root,
        purpose: 'clientAuth',
      });
      if (!valid) throw new Error(reason);
    };
    return { bare: await each(times, bare), ours: await each(times, ours) };
  },
  /** Makes the verifier: how long that takes, and how much memory it keeps. */
  async load({ options }) {
    const memory = used();
    const start = performance.now();
    loaded = createVerifier({ methods: [mtls(options)] });
    return { milliseconds: performance.now() - start, bytes: used() - memory };
  },
  /** Microseconds for the first request on each of so many new connections, and for those that follow. */
  async requests({ material, connections }) {
    const { sockets, close } = await keptConnections(material, connections);
    const first = await each(connections, (i) => decide(loaded, sockets[i], material));
    const later = await each(connections * 20, (i) =>
      decide(loaded, sockets[i % connections], material),
    );
    await close();
    return { first, later };
  },
});

async function decide(verifier, socket, { subject }) {
  const request = new IncomingMessage(socket);
  request.method = 'GET';
  request.url = '/accounts/7';
  request.rawHeaders = ['Host', 'localhost'];
  const { identity } = await guard(verifier, request, new ServerResponse(request));
  if (identity?.subject !== subject) throw new Error(`subject is ${identity?.subject}`);
}

async function each(times, work) {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) await work(i);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

function used() {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
