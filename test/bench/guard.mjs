// What our guard alone costs on a connection that it knows, without Express, HTTP and TLS around it.
import { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { createVerifier, mtls } from 'countersign';
import { guard } from 'countersign/node';
import { answerParent } from './answer-parent.mjs';
import { keptConnections } from './kept-connection.mjs';

const verifier = createVerifier({ methods: [mtls()] });
let socket;
let evidence;

answerParent({
  /** Takes the first request of a connection, and forbids to read its certificate again. */
  async connect(material) {
    ({
      sockets: [socket],
    } = await keptConnections(material, 1));
    const { identity } = await guard(verifier, ...arrived());
    if (identity.subject !== material.subject) throw new Error(`subject is ${identity.subject}`);
    evidence = identity.evidence.mtls;
    for (const name of ['getPeerCertificate', 'getPeerX509Certificate']) {
      TLSSocket.prototype[name] = () => {
        throw new Error(`${name} was called on a connection that is known already`);
      };
    }
  },
  /** Microseconds per request: `bare` makes the requests only, `guarded` decides them as well. */
  async measure(requests) {
    return {
      bare: await perRequest(requests, arrived),
      guarded: await perRequest(requests, decide),
    };
  },
});

async function perRequest(requests, work) {
  const before = process.cpuUsage();
  for (let i = 0; i < requests; i++) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}

async function decide() {
  const decision = await guard(verifier, ...arrived());
  // Evidence that is the very object of the first request was not read from a certificate again.
  if (decision.identity?.evidence.mtls !== evidence) throw new Error(decision.outcome);
  return decision;
}

function arrived() {
  const request = new IncomingMessage(socket);
  request.method = 'GET';
  request.url = '/accounts/7?currency=EUR';
  request.httpVersionMajor = 1;
  request.rawHeaders = ['Host', 'localhost', 'Connection', 'keep-alive', 'Accept', '*/*'];
  // Made on first sight, and whoever handles the request looks.
  void request.headers;
  return [request, new ServerResponse(request)];
}
