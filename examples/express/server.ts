// A service that knows every caller by certificate, and lets only the teller pay.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';
import { type Verifier, createVerifier, mtls } from 'countersign';
import { identityOf, mutualAuth } from 'countersign/express';
import express, { type Express } from 'express';

export function createApp(verifier: Verifier = createVerifier({ methods: [mtls()] })): Express {
  const app = express();
  app.use(mutualAuth(verifier));
  app.get('/', (req, res) => {
    res.json(req.identity);
  });

  const teller = mutualAuth(verifier, { allow: [{ spiffeId: 'spiffe://demo.example/teller' }] });
  app.post('/payments', teller, (req, res) => {
    res.status(201).json({ paidBy: identityOf(req).subject });
  });
  return app;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [directory = '.countersign/pki', port = '8443'] = process.argv.slice(2);
  const tls = {
    cert: readFileSync(`${directory}/server.pem`),
    key: readFileSync(`${directory}/server.key`),
    ca: readFileSync(`${directory}/ca.pem`),
    // Ask every caller for a certificate, and leave the verdict to countersign.
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server = createServer(tls, createApp()).listen(Number(port), 'localhost', () => {
    console.log('listening on', server.address());
  });
}
