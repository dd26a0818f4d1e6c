import { createHash, X509Certificate } from 'node:crypto';
import type { Attempt } from './attempt.ts';
import { type Genuine, type Service, impostorCertificates, impostorService } from './parties.ts';

/** One line of the table: an exchange, and how it must end. */
export interface Row {
  readonly who: string;
  readonly attempt: Attempt;
  /** Undefined for the genuine service. */
  readonly service?: () => Promise<Service>;
  /** The code of the refusal; undefined where both sides must be content. */
  readonly code?: string;
  readonly refusedBy?: 'server' | 'client';
}

/** Every exchange of the demonstration, by who takes part. */
export function rows(genuine: Genuine): Readonly<Record<string, readonly Row[]>> {
  const { teller } = genuine;
  const impostors = impostorCertificates(genuine);
  const pays = { shows: teller, method: 'POST', path: '/payments' } as const;
  const { client, service } = impostors;
  const stopped = (who: string, code: string, attempt: Attempt): Row => ({
    who,
    code,
    attempt,
    refusedBy: 'server',
  });
  const exposed = (who: string, code: string, shown: keyof typeof service, pins?: string): Row => ({
    who,
    code,
    attempt: { ...pays, ...(pins === undefined ? {} : { pins }) },
    service: () => impostorService(service[shown]),
    refusedBy: 'client',
  });
  return {
    'Both are who they say': [
      { who: 'the teller asks who it is', attempt: { shows: teller } },
      { who: 'the teller pays', attempt: pays },
    ],
    'Impostors call the service': [
      stopped('nobody: no certificate', 'ERR_CREDENTIAL_MISSING', { shows: undefined }),
      stopped('a self-made certificate', 'ERR_CERTIFICATE_UNTRUSTED', { shows: client.selfSigned }),
      stopped('right name, other CA', 'ERR_CERTIFICATE_UNTRUSTED', { shows: client.otherCa }),
      stopped('an expired certificate', 'ERR_CERTIFICATE_EXPIRED', { shows: client.expired }),
      stopped('one that is not valid yet', 'ERR_CERTIFICATE_NOT_YET_VALID', {
        shows: client.notYetValid,
      }),
      stopped("a server's certificate", 'ERR_CERTIFICATE_USAGE', { shows: client.serverOnly }),
      stopped('two identities in one', 'ERR_CERTIFICATE_NAME', { shows: client.twoIds }),
      stopped('the janitor pays', 'ERR_NOT_ALLOWED', { ...pays, shows: client.janitor }),
      stopped('the teller, asking for another host', 'ERR_MISDIRECTED_REQUEST', {
        shows: teller,
        headers: { host: 'other.example' },
      }),
      stopped("a web page in the teller's browser", 'ERR_CROSS_SITE', {
        ...pays,
        headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      }),
    ],
    'Impostors pose as the service': [
      exposed('a self-made certificate', 'ERR_CERTIFICATE_UNTRUSTED', 'selfSigned'),
      exposed('right name, other CA', 'ERR_CERTIFICATE_UNTRUSTED', 'otherCa'),
      exposed('an expired certificate', 'ERR_CERTIFICATE_EXPIRED', 'expired'),
      exposed('another name', 'ERR_CERTIFICATE_NAME', 'otherName'),
      exposed('the name in the CN only', 'ERR_CERTIFICATE_NAME', 'nameInCn'),
      exposed("a client's certificate", 'ERR_CERTIFICATE_USAGE', 'clientOnly'),
      exposed(
        'right CA and name, other key',
        'ERR_PIN_MISMATCH',
        'otherKey',
        pin(genuine.server.cert),
      ),
      {
        who: 'a place the client was never told of',
        code: 'ERR_ORIGIN_NOT_LISTED',
        attempt: { ...pays, origin: 'https://localhost:1' },
        service: () => impostorService(genuine.server),
        refusedBy: 'client',
      },
    ],
  };
}

function pin(cert: string): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64');
}
