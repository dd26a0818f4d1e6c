// A service that knows every caller by certificate, and lets only the teller pay.
import { readFileSync } from 'node:fs';
import type { Server } from 'node:https';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import {
  type Identity,
  MutualAuth,
  MutualAuthGuard,
  MutualAuthModule,
  PeerIdentity,
} from 'countersign/nest';

@Controller()
class BankController {
  @Get()
  caller(@PeerIdentity() peer: Identity) {
    return peer;
  }

  @Post('payments')
  @MutualAuth({ allow: [{ spiffeId: 'spiffe://demo.example/teller' }] })
  pay(@PeerIdentity() peer: Identity) {
    return { paidBy: peer.subject };
  }
}

@Module({
  imports: [MutualAuthModule.forRoot()],
  controllers: [BankController],
  // Every route is guarded, also one that nobody thought of decorating.
  providers: [{ provide: APP_GUARD, useClass: MutualAuthGuard }],
})
class BankModule {}

const [directory = '.countersign/pki', port = '8443'] = process.argv.slice(2);
const httpsOptions = {
  cert: readFileSync(`${directory}/server.pem`),
  key: readFileSync(`${directory}/server.key`),
  ca: readFileSync(`${directory}/ca.pem`),
  // Ask every caller for a certificate, and leave the verdict to countersign.
  requestCert: true,
  rejectUnauthorized: false,
};
const app = await NestFactory.create(BankModule, { httpsOptions, logger: ['warn', 'error'] });
const server = (await app.listen(Number(port), 'localhost')) as Server;
console.log('listening on', server.address());
