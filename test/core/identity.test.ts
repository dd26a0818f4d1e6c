import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Identity } from '../../src/identity.ts';
import { evidence } from '../support/method.ts';

const now = new Date('2030-01-01T00:00:00Z');
const before = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

describe('Identity', () => {
  it('takes subject and method from the first evidence and keeps all of it by method', () => {
    const certificate = evidence('dns:a.example');
    const token = evidence('sub:x#1');
    const identity = new Identity(
      [
        ['mtls', certificate],
        ['oauth', token],
      ],
      now,
    );
    assert.equal(identity.subject, 'dns:a.example');
    assert.equal(identity.method, 'mtls');
    assert.deepEqual(identity.evidence, { mtls: certificate, oauth: token });
    assert.equal(identity.verifiedAt, now);
    assert.equal(identity.authenticatedAt, now);
  });

  const ages: readonly (readonly [what: string, parts: readonly (Date | undefined)[], is: Date])[] =
    [
      ['the request, where no evidence says otherwise', [undefined], now],
      ['the sign-in, where one was before', [before(60)], before(60)],
      ['the oldest of several', [before(60), before(90), undefined], before(90)],
      ['the request, where a sign-in claims to come later', [before(-60)], now],
    ];
  for (const [what, parts, is] of ages) {
    it(`counts its age from ${what}`, () => {
      const proven = parts.map(
        (authenticatedAt, i) =>
          [`m${i}`, evidence('key:a', authenticatedAt && { authenticatedAt })] as const,
      );
      assert.deepEqual(new Identity(proven, now).authenticatedAt, is);
    });
  }

  it('cannot be changed', () => {
    const identity = new Identity([['mtls', evidence('dns:a.example')]], now);
    assert.ok(Object.isFrozen(identity) && Object.isFrozen(identity.evidence));
  });

  it('keeps the evidence of a method with any name as a member of its own', () => {
    const identity = new Identity([['__proto__', evidence('key:a')]], now);
    assert.deepEqual(Object.keys(identity.evidence), ['__proto__']);
  });

  it('is safe as JSON', () => {
    const identity = new Identity([['mtls', evidence('dns:a.example')]], now);
    assert.deepEqual(JSON.parse(JSON.stringify(identity)), {
      subject: 'dns:a.example',
      method: 'mtls',
      evidence: { mtls: { subject: 'dns:a.example' } },
      verifiedAt: now.toISOString(),
      authenticatedAt: now.toISOString(),
    });
  });
});

describe('Identity.isIdentity', () => {
  const identity = new Identity([['mtls', evidence('dns:a.example')]], now);

  it('knows what the constructor made', () => assert.ok(Identity.isIdentity(identity)));

  for (const [what, value] of [
    ['undefined', undefined],
    ['null', null],
    ['a string', 'dns:a.example'],
    ['a copy', { ...identity }],
    ['an object that inherits from one', Object.create(identity)],
    ['an object with its prototype', Object.create(Identity.prototype)],
    ['a proxy of one', new Proxy(identity, {})],
  ] as const) {
    it(`is not fooled by ${what}`, () => assert.equal(Identity.isIdentity(value), false));
  }
});
