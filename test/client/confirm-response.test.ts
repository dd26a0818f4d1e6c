import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAcceptSignature, signMessage } from 'countersign/signature';
import type { Dispatcher } from 'undici';
import { confirmHead } from '../../src/client/confirm-response.ts';
import { readProofOptions } from '../../src/client/expected-proof.ts';
import { type Dispatched, type DispatchedOptions, dispatched } from '../../src/client/pool.ts';
import { provenDispatch } from '../../src/client/proven-dispatch.ts';
import type { CertificateEvidence } from '../../src/identity.ts';
import { responseCoverage } from '../../src/methods/signature/coverage.ts';
import { authError } from '../support/errors.ts';
import { signatureKeys } from '../support/signatures.ts';

const { signer, verifier } = signatureKeys('ed25519');
const keys = readProofOptions({ keys: [{ keyId: 'api-1', ...verifier }] });
const none = { has: () => false };

/** The fields of a response without content, signed at `created`. */
function signedHead(request: { method: string; url: string }, nonce: string, created: number) {
  const components = responseCoverage(none, false, none, undefined);
  const parameters = { created, nonce, keyid: 'api-1', tag: 'countersign-response' };
  const message = { status: 204, headers: {}, request: { ...request, headers: {} } };
  return { ...signMessage(message, { components, parameters, signer }) };
}

describe('confirmHead', () => {
  const request = { method: 'GET', url: 'https://api.example/a' };
  const now = new Date('2026-01-01T00:00:00Z');
  const seconds = now.getTime() / 1000;
  const confirm = (created: number) =>
    confirmHead(
      { message: { ...request, headers: {} }, nonce: 'n' },
      { status: 204, headers: signedHead(request, 'n', created) },
      keys,
      now,
    );

  it('takes no content where there can be none', async () => {
    const head = await confirm(seconds);
    head.chunk(new Uint8Array(0));
    assert.throws(() => head.chunk(new Uint8Array(1)), authError('ERR_SERVER_UNPROVEN'));
    assert.deepEqual(head.end({ 'x-unsigned': '1' }, now), {});
  });

  for (const [age, good] of [
    [0, true],
    [90, true],
    [91, false],
    [-30, true],
    [-31, false],
  ] as const) {
    it(`${good ? 'takes' : 'refuses'} a signature of ${age} seconds`, async () => {
      const attempt = async (): Promise<Date> => (await confirm(seconds - age)).evidence.signedAt;
      if (good) assert.equal((await attempt()).getTime(), (seconds - age) * 1000);
      else await assert.rejects(attempt(), authError('ERR_SIGNATURE_STALE'));
    });
  }
});

describe('provenDispatch', () => {
  it('keeps the certificate of the connection that the response came by', () => {
    const [first, second] = ['a', 'b'].map((subject) => ({ subject }) as CertificateEvidence);
    let connected = first;
    const exchange: Dispatched = { server: () => connected };
    let sent: DispatchedOptions | undefined;
    let holding: Dispatcher.DispatchHandler = {};
    const dispatch = provenDispatch((options, handler) => {
      sent = options;
      holding = handler;
      return true;
    }, keys);
    const options = { origin: 'https://api.example', path: '/a', method: 'GET' as const };
    dispatch({ ...options, [dispatched]: exchange } as DispatchedOptions, {});
    const { 'accept-signature': asked } = sent!.headers as Record<string, string>;
    const [wish] = parseAcceptSignature([asked!]);
    const request = { method: 'GET', url: 'https://api.example/a' };
    const headers = signedHead(request, wish!.nonce!, Math.floor(Date.now() / 1000));
    const controller = {} as Dispatcher.DispatchController;
    holding.onResponseStart!(controller, 204, headers);
    connected = second;
    assert.equal(exchange.server!(), first);
    assert.equal(exchange.proof?.keyId, 'api-1');
  });
});
