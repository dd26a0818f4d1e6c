import { type TestAuthority, testAuthority } from '../../src/pki/testing.ts';

/** The CA that the servers under attack trust, for both ends. */
export const authority: TestAuthority = testAuthority({ subject: 'countersign test root' });

/** A CA that they do not trust, under the same name as `authority`: what an impostor can make. */
export const impostor: TestAuthority = testAuthority({ subject: 'countersign test root' });

/** A certificate that is good in every respect. */
export const alice = authority.issue({ dnsNames: ['alice.example'], usage: 'clientAuth' });
/** Another one. */
export const bob = authority.issue({ dnsNames: ['bob.example'], usage: 'clientAuth' });

export const day = 86_400_000;
export const tlsVersions = ['TLSv1.2', 'TLSv1.3'] as const;
