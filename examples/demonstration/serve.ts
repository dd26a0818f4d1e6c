import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createApp } from '../express/server.ts';
import type { Genuine, Parts } from './parties.ts';

/** Serves the example until the process is interrupted, and prints what to try with curl. */
export async function serve(
  { verifier }: Parts,
  { ca, server }: Genuine,
  port: number,
  directory: string,
): Promise<void> {
  const tls = { ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: false };
  const service = createServer(tls, createApp(verifier));
  await listen(service, port).catch(() => {
    console.log(`  Port ${port} is taken, so another one it is.`);
    return listen(service, 0);
  });
  const url = `https://localhost:${(service.address() as AddressInfo).port}`;
  const trust = `--cacert ${directory}/ca.pem`;
  const teller = `--cert ${directory}/teller.pem --key ${directory}/teller.key`;
  console.log(`  The service is up at ${url}. Try it from another terminal:

  curl ${trust} ${teller} ${url}/
  curl ${trust} ${teller} -X POST ${url}/payments
  curl ${trust} -i ${url}/

  Ctrl-C ends it.
`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  service.close();
  service.closeAllConnections();
}

async function listen(service: ReturnType<typeof createServer>, port: number): Promise<void> {
  service.listen(port, 'localhost');
  await once(service, 'listening');
}
