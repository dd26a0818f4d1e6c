// A handler that lets an error of the client go tells its own peer the status of it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError, type ClientMethod, createClient } from '../../src/client/index.ts';
import { badGateway } from '../../src/client/bad-gateway.ts';
import { testAuthority } from '../../src/pki/testing.ts';
import { authority, clientOf, doors, site } from './support.ts';

describe('an AuthError of the client', () => {
  for (const [door, send] of Object.entries(doors)) {
    it(`has the status 502 through ${door}, whatever its code`, async () => {
      await using there = await site();
      const client = clientOf(there.origin, { ca: testAuthority().cert });
      await assert.rejects(send(client, there.origin), {
        code: 'ERR_CERTIFICATE_UNTRUSTED',
        status: 502,
        statusCode: 502,
      });
      await client.close();
    });
  }

  const failing = (): never => {
    throw new AuthError('x-failed', 'no proof', { headers: { 'www-authenticate': 'Other' } });
  };
  for (const [verb, present, confirm] of [
    ['present', failing, failing],
    ['confirm', () => ({}), failing],
  ] as const) {
    it(`has it also where the method of a user throws in ${verb}, and no field`, async () => {
      await using there = await site();
      const method: ClientMethod = { name: 'm', present, confirm };
      const server = { origins: [there.origin], ca: authority.cert };
      const client = createClient({ methods: [method], server });
      const wanted = { code: 'x-failed', status: 502, headers: {}, message: 'no proof' };
      await assert.rejects(client.fetch(there.origin), wanted);
      await client.close();
    });
  }

  it('keeps its reason, its cause and where it came from', () => {
    const cause = new Error('underneath');
    const error = new AuthError('ERR_CERTIFICATE_NAME', 'reason', { cause });
    const { stack } = error;
    const gateway = badGateway(error) as AuthError;
    assert.deepEqual([gateway.message, gateway.cause, gateway.stack], ['reason', cause, stack]);
    assert.equal(badGateway(gateway), gateway);
    assert.equal(badGateway(cause), cause);
  });
});
