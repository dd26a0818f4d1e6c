// A service that knows every caller by certificate, and lets only the teller pay.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';
import { Router } from '@koa/router';
import { type Verifier, createVerifier, mtls } from 'countersign';
import { identityOf, mutualAuth } from 'countersign/koa';
import Koa from 'koa';

export function createApp(verifier: Verifier = createVerifier({ methods: [mtls()] })): Koa {
  const router = new Router();
  router.get('/', (ctx) => {
    ctx.body = ctx.state.identity;
  });

  const teller = mutualAuth(verifier, { allow: [{ spiffeId: 'spiffe://demo.example/teller' }] });
  router.post('/payments', teller, (ctx) => {
    ctx.status = 201;
    ctx.body = { paidBy: identityOf(ctx).subject };
  });

  const app = new Koa();
  app.use(mutualAuth(verifier));
  app.use(router.routes());
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
  const app = createApp().callback();
  const server = createServer(tls, (req, res) => void app(req, res));
  server.listen(Number(port), 'localhost', () => {
    console.log('listening on', server.address());
  });
}
