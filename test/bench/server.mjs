// One Express application over TLS, guarded in one way.
import { once } from 'node:events';
import { createServer } from 'node:https';
import express from 'express';
import { answerParent } from './answer-parent.mjs';
import { variants } from './variants.mjs';

answerParent({
  /** Listens, and answers the port. */
  async listen({ variant, credentials, subject, requestsPerConnection = 0 }) {
    const { guard, subjectOf } = variants[variant](subject);
    const app = express();
    app.use(...guard, (request, response) => {
      response.json({ subject: subjectOf(request), account: 'DE02', balance: 1250.5 });
    });
    // Express prints what it was not told to keep to itself.
    app.use((error, _request, response, _next) => response.sendStatus(error.status ?? 500));
    const server = createServer(
      { ...credentials, requestCert: true, rejectUnauthorized: false },
      app,
    );
    server.maxRequestsPerSocket = requestsPerConnection;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
  },
  /** The processor time of this process so far, in microseconds. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
