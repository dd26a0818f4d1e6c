// One authority, both ends' certificates, all EC P-256 and all in memory.
import { testAuthority } from 'countersign/testing';

/** What a TLS server or client is given, and a child process can be sent. */
export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Material {
  readonly server: Credentials;
  readonly client: Credentials;
  /** The name that `mutualAuth` finds in the client's certificate. */
  readonly subject: string;
}

export function material(): Material {
  const authority = testAuthority();
  const credentials = ({ cert, key }: { cert: string; key: string }): Credentials => ({
    ca: authority.cert,
    cert,
    key,
  });
  const subject = 'spiffe://bank.example/teller';
  return {
    server: credentials(authority.issue({ subject: 'localhost' })),
    client: credentials(authority.issue({ subject: 'teller', spiffeId: subject })),
    subject,
  };
}

/** What every server here answers a peer of this name, byte for byte. */
export function answerTo(subject: string): string {
  return JSON.stringify({ subject, account: 'DE02', balance: 1250.5 });
}
