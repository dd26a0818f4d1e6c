import { once } from 'node:events';
import { createServer } from 'node:https';
import { connect } from 'node:tls';

/**
 * The server's ends of `count` TLS connections that this process keeps to itself, each with a client
 * certificate.
 */
export async function keptConnections({ server: serverCredentials, client }, count) {
  const server = createServer({
    ...serverCredentials,
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const ends = [];
  for (let i = 0; i < count; i++) {
    const accepted = once(server, 'secureConnection');
    const socket = connect({ ...client, port, host: '127.0.0.1', servername: 'localhost' });
    const [[end]] = await Promise.all([accepted, once(socket, 'secureConnect')]);
    // No request will come, and a server does not wait for one for ever.
    end.setTimeout(0);
    ends.push(end);
  }
  return ends;
}
