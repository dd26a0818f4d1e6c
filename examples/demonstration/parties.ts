// Everybody who takes part: the genuine two, and what impostors bring along.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { type Verifier } from 'countersign';
import { type ClientOptions, type Client } from 'countersign/client';
import { type IssueOptions, type TestServer, testAuthority, testServer } from 'countersign/testing';
import { createApp } from '../express/server.ts';

export interface KeyAndCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What the development PKI gave to both sides. */
export interface Genuine {
  readonly ca: KeyAndCertificate;
  readonly server: KeyAndCertificate;
  readonly teller: KeyAndCertificate;
}

/** The two parts that make an exchange safe, so that a test can put an unsafe one in their place. */
export interface Parts {
  readonly verifier: Verifier;
  connect(options: ClientOptions): Pick<Client, 'agent' | 'close'>;
}

/** A running server, and how many requests it has let through to a handler. */
export interface Service {
  readonly running: TestServer;
  handled(): number;
}

/** The example service with the verifier in front of it. */
export async function genuineService(
  { verifier }: Parts,
  { ca, server }: Genuine,
): Promise<Service> {
  const app = createApp(verifier);
  let handled = 0;
  const running = await testServer(
    (req, res) => {
      res.on('finish', () => {
        if (res.statusCode < 400) handled++;
      });
      app(req, res);
    },
    { ...server, ca: ca.cert },
  );
  return { running, handled: () => handled };
}

/** A server that has an answer for everybody, and shows whatever certificate it could get. */
export async function impostorService(shown: KeyAndCertificate): Promise<Service> {
  let handled = 0;
  const running = await testServer((_req, res) => {
    handled++;
    res.end('{"balance":0}');
  }, shown);
  return { running, handled: () => handled };
}

const otherCa = testAuthority({ subject: 'Some other CA' });

/** What impostors show. The genuine CA signs some of it: it did so for others, or long ago. */
export function impostorCertificates({ ca, server }: Genuine) {
  const privateKey = createPrivateKey(ca.key);
  const genuineCa = testAuthority({
    subject: [
      { type: 'O', value: 'for development only' },
      { type: 'CN', value: 'countersign development CA' },
    ],
    keyPair: { privateKey, publicKey: createPublicKey(privateKey) },
  });
  const client: IssueOptions = { spiffeId: 'spiffe://demo.example/teller', usage: 'clientAuth' };
  const service: IssueOptions = { dnsNames: ['localhost'], usage: 'serverAuth' };
  const past = { notAfter: new Date(Date.now() - 60_000) };
  const future = { notBefore: new Date(Date.now() + 3_600_000) };
  return {
    client: {
      selfSigned: otherCa.issue({ ...client, selfSigned: true }),
      otherCa: otherCa.issue(client),
      expired: genuineCa.issue({ ...client, ...past }),
      notYetValid: genuineCa.issue({ ...client, ...future }),
      serverOnly: server,
      janitor: genuineCa.issue({ ...client, spiffeId: 'spiffe://demo.example/janitor' }),
      twoIds: genuineCa.issue({ ...client, uris: ['spiffe://demo.example/director'] }),
    },
    service: {
      selfSigned: otherCa.issue({ ...service, selfSigned: true }),
      otherCa: otherCa.issue(service),
      expired: genuineCa.issue({ ...service, ...past }),
      otherName: genuineCa.issue({ ...service, dnsNames: ['elsewhere.example'] }),
      nameInCn: genuineCa.issue({ subject: 'localhost', dnsNames: [], usage: 'serverAuth' }),
      clientOnly: genuineCa.issue({ ...service, usage: 'clientAuth' }),
      otherKey: genuineCa.issue(service),
    },
  };
}
