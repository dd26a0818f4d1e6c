import { once } from 'node:events';
import { createServer } from 'node:https';
import { connect } from 'node:tls';

/**
 * The server's ends of `count` TLS connections that this process keeps with itself, each with a client
 * certificate.
 */
export async function keptConnections({ server: credentials, client }, count) {
  const server = createServer({ ...credentials, requestCert: true, rejectUnauthorized: false });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const sockets = [];
  for (let i = 0; i < count; i++) {
    const accepted = once(server, 'secureConnection');
    const peer = connect({ ...client, port, host: '127.0.0.1', servername: 'localhost' });
    const [[socket]] = await Promise.all([accepted, once(peer, 'secureConnect')]);
    // No request will come, and a server does not wait for one for ever.
    socket.setTimeout(0);
    peer.on('error', () => {});
    sockets.push(socket);
  }
  const close = async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  };
  return { sockets, close };
}
