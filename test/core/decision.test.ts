import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accepted, continued, mergeFields, refused } from '../../src/decision.ts';
import { AuthError } from '../../src/errors.ts';
import { Identity } from '../../src/identity.ts';
import { Continue } from '../../src/method.ts';
import { evidence } from '../support/method.ts';

describe('accepted', () => {
  it('has an identity only where there is one', () => {
    const identity = new Identity([['m', evidence('key:a')]], new Date());
    assert.deepEqual(accepted(identity), { outcome: 'accepted', identity });
    assert.deepEqual(accepted(), { outcome: 'accepted' });
  });
});

describe('continued', () => {
  it('sends the fields of the step with 401', () => {
    const decision = continued(new Continue({ 'www-authenticate': 'SCRAM data=x' }));
    assert.equal(decision.outcome, 'continue');
    assert.equal('response' in decision && decision.response.status, 401);
    assert.equal(
      'response' in decision && decision.response.headers['www-authenticate'],
      'SCRAM data=x',
    );
  });

  it('sends another status where the step says so', () => {
    const decision = continued(new Continue({}, 200));
    assert.ok('response' in decision);
    assert.equal(decision.response.status, 200);
    assert.equal(decision.response.body, '{"status":200,"title":"OK"}');
  });
});

describe('refused', () => {
  const because = (status: number, headers = {}): AuthError =>
    new AuthError('x-mine', 'the secret reason', { status, headers, cause: new Error('deep') });

  it('answers with a problem document that says the status and no more', () => {
    const { outcome, error, response } = refused(because(403), {});
    assert.equal(outcome, 'refused');
    assert.equal(error.message, 'the secret reason');
    assert.deepEqual(response, {
      status: 403,
      headers: {
        'content-type': 'application/problem+json',
        'content-length': '34',
        'cache-control': 'no-store',
      },
      body: '{"status":403,"title":"Forbidden"}',
    });
  });

  it('says something of a status without a name', () => {
    assert.equal(refused(because(499), {}).response.body, '{"status":499,"title":"Refused"}');
  });

  it('says 403 where a 401 could not say what would help', () => {
    const { response } = refused(because(401), { 'x-hint': 'none' });
    assert.equal(response.status, 403);
    assert.equal(response.body, '{"status":403,"title":"Forbidden"}');
  });

  it('says 401 with the challenges, be they of the methods or of the error', () => {
    const challenge = { 'www-authenticate': 'DPoP' };
    assert.equal(refused(because(401), challenge).response.status, 401);
    assert.equal(refused(because(401, challenge), {}).response.status, 401);
    const both = refused(because(401, challenge), { 'www-authenticate': 'SCRAM' }).response;
    assert.deepEqual(both.headers['www-authenticate'], ['SCRAM', 'DPoP']);
  });

  it('does not let a method replace what describes the body, or make a refusal cacheable', () => {
    const { headers } = refused(
      because(403, {
        'content-type': 'text/html',
        'content-length': '0',
        'cache-control': 'public',
      }),
      {},
    ).response;
    assert.equal(headers['content-type'], 'application/problem+json');
    assert.equal(headers['content-length'], '34');
    assert.equal(headers['cache-control'], 'no-store');
  });
});

describe('mergeFields', () => {
  for (const [a, b, merged] of [
    [{}, {}, {}],
    [{ x: '1' }, { y: '2' }, { x: '1', y: '2' }],
    [{ x: '1' }, { x: '2' }, { x: ['1', '2'] }],
    [{ x: ['1', '2'] }, { x: '3' }, { x: ['1', '2', '3'] }],
    [{ x: '1' }, { x: ['2', '3'] }, { x: ['1', '2', '3'] }],
    [{ x: '' }, { x: '2' }, { x: ['', '2'] }],
  ] as const) {
    it(`makes ${JSON.stringify(merged)} of ${JSON.stringify(a)} and ${JSON.stringify(b)}`, () => {
      assert.deepEqual(mergeFields(a, b), merged);
    });
  }

  it('changes neither', () => {
    const a = Object.freeze({ x: Object.freeze(['1']) });
    const b = Object.freeze({ x: '2' });
    mergeFields(a, b);
    assert.deepEqual([a, b], [{ x: ['1'] }, { x: '2' }]);
  });
});
