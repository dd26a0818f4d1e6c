import { readFileSync } from 'node:fs';
import { type DevelopmentPki, createPki, hasPki, openPki } from 'countersign/testing';
import type { Genuine, KeyAndCertificate } from './parties.ts';

/** The certificates of the genuine two, made on the first run and kept in `directory`. */
export function genuinePki(directory: string): Genuine {
  const pki = hasPki(directory) ? openPki(directory) : createPki(directory);
  return {
    ca: { cert: pki.cert, key: readFileSync(`${directory}/ca.key`, 'utf8') },
    server: certificate(pki, 'server', { dnsNames: ['localhost'], usage: ['serverAuth'] }),
    teller: certificate(pki, 'teller', {
      spiffeId: 'spiffe://demo.example/teller',
      usage: ['clientAuth'],
    }),
  };
}

function certificate(
  pki: DevelopmentPki,
  name: string,
  options: Parameters<DevelopmentPki['issue']>[1],
): KeyAndCertificate {
  const { cert, key } = pki.find(name) ?? pki.issue(name, options);
  return { cert, key };
}
