import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExecutionContext } from '@nestjs/common';
import { GqlExecutionContext, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  AllowAnonymous,
  type Identity,
  MutualAuth,
  MutualAuthModule,
  PeerIdentity,
  type RequestOf,
} from '../../../adapters/nest/index.ts';
import { AuthError, mtls } from '../../../src/index.ts';
import type { TestCertificate } from '../../../src/pki/testing.ts';
import { recordEvents } from '../../support/events.ts';
import { alice, bob, impostor } from '../../support/pki.ts';
import { create, recordErrors, serve } from './serve.ts';

@Resolver()
@MutualAuth()
class PeerResolver {
  @Query('whoami')
  whoami(@PeerIdentity() peer: Identity) {
    return peer.subject;
  }

  @Query('onlyAlice')
  @MutualAuth({ allow: [{ dnsName: 'alice.example' }] })
  onlyAlice(@PeerIdentity() peer: Identity) {
    return peer.subject;
  }

  @Query('anyone')
  @AllowAnonymous()
  anyone(@PeerIdentity() peer: Identity | undefined) {
    return peer?.subject ?? 'anonymous';
  }

  @Query('tooPoor')
  @AllowAnonymous()
  tooPoor(): string {
    throw new AuthError('x-too-poor', 'a secret reason', { status: 402 });
  }

  @Query('withoutKey')
  @MutualAuth({ require: 'key', allowAnonymous: true })
  withoutKey(@PeerIdentity() peer: Identity | undefined) {
    return peer?.subject ?? 'anonymous';
  }
}

interface GraphQLContext {
  readonly req: FastifyRequest;
  readonly reply: FastifyReply;
}

function requestOf(context: ExecutionContext) {
  const { req, reply } = GqlExecutionContext.create(context).getContext<GraphQLContext>();
  return { req, res: reply };
}

async function serveGraphQL(options: { readonly requestOf?: RequestOf }) {
  const app = await create('fastify', {
    imports: [
      MutualAuthModule.forRoot({
        methods: [mtls(), { name: 'key', verify: () => null }],
        policy: { require: 'mtls' },
        ...options,
      }),
      GraphQLModule.forRoot<MercuriusDriverConfig>({
        driver: MercuriusDriver,
        typeDefs:
          'type Query { whoami: String, onlyAlice: String, anyone: String, withoutKey: String, tooPoor: String }',
      }),
    ],
    providers: [PeerResolver],
  });
  const site = await serve(app);
  return {
    ...site,
    async query(query: string, who?: TestCertificate) {
      const { body, text } = await site.request('/graphql', who, 'post').send({ query });
      const { data, errors = [] } = body as { data: unknown; errors?: { message: string }[] };
      return { data, errors: errors.map(({ message }) => message), text };
    },
  };
}

describe('GraphQL through requestOf', () => {
  it('lets a genuine peer pass, and gives it to the resolver', async () => {
    await using site = await serveGraphQL({ requestOf });
    const { data } = await site.query('{ whoami onlyAlice }', alice);
    assert.deepEqual(data, { whoami: 'dns:alice.example', onlyAlice: 'dns:alice.example' });
  });

  it('refuses field by field, each under its own policy', async () => {
    await using site = await serveGraphQL({ requestOf });
    assert.deepEqual((await site.query('{ whoami onlyAlice anyone }', bob)).data, {
      whoami: 'dns:bob.example',
      onlyAlice: null,
      anyone: 'dns:bob.example',
    });
    assert.deepEqual((await site.query('{ whoami onlyAlice anyone }')).data, {
      whoami: null,
      onlyAlice: null,
      anyone: 'anonymous',
    });
    const stranger = impostor.issue({ dnsNames: ['alice.example'] });
    assert.deepEqual((await site.query('{ whoami onlyAlice anyone }', stranger)).data, {
      whoami: null,
      onlyAlice: null,
      anyone: null,
    });
  });

  it('tells the peer no reason and no stack', async () => {
    await using site = await serveGraphQL({ requestOf });
    using logged = recordErrors();
    const { errors, text } = await site.query('{ whoami }');
    assert.deepEqual(errors, ['Forbidden']);
    assert.doesNotMatch(text, /presented|mtls|stack|at /);
    assert.deepEqual([...logged], []);
  });

  it('tells it of an AuthError of a resolver neither', async () => {
    await using site = await serveGraphQL({ requestOf });
    const { errors, text } = await site.query('{ tooPoor }');
    assert.deepEqual(errors, ['Payment Required']);
    assert.doesNotMatch(text, /secret|stack/);
  });

  it('decides once for each policy, however many fields it guards', async () => {
    await using site = await serveGraphQL({ requestOf });
    using events = recordEvents();
    await site.query('{ a: onlyAlice b: onlyAlice c: onlyAlice }', alice);
    assert.equal(events.accepted.length, 1);
  });

  it('keeps the peers of fields apart that are resolved side by side', async () => {
    await using site = await serveGraphQL({ requestOf });
    const { data } = await site.query('{ whoami withoutKey onlyAlice }', alice);
    assert.deepEqual(data, {
      whoami: 'dns:alice.example',
      withoutKey: 'anonymous',
      onlyAlice: 'dns:alice.example',
    });
  });
});

describe('GraphQL without requestOf', () => {
  it('is refused, whoever asks, and the log says what is missing', async () => {
    await using site = await serveGraphQL({});
    using errors = recordErrors();
    const { data } = await site.query('{ whoami onlyAlice anyone }', alice);
    assert.deepEqual(data, { whoami: null, onlyAlice: null, anyone: null });
    assert.match(errors.join(), /"graphql".*requestOf/);
  });
});
