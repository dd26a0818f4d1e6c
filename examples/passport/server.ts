// A service that knows every caller by certificate, and lets only the teller pay, by way of Passport.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';
import { type Verifier, createVerifier, mtls } from 'countersign';
import { MutualAuthStrategy, identityOf } from 'countersign/passport';
import express, { type Express, type RequestHandler } from 'express';
import passport from 'passport';

export function createApp(verifier: Verifier = createVerifier({ methods: [mtls()] })): Express {
  const authenticator = new passport.Passport();
  authenticator.use(new MutualAuthStrategy({ verifier }));
  const allow = [{ spiffeId: 'spiffe://demo.example/teller' }];
  authenticator.use('teller', new MutualAuthStrategy({ verifier, policy: { allow } }));

  const app = express();
  app.use(authenticator.authenticate('mutual-auth', { session: false }));
  app.get('/', (req, res) => {
    res.json(req.user);
  });

  const teller = authenticator.authenticate('teller', { session: false }) as RequestHandler;
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
