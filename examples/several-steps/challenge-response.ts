// A method of several steps. The service gives a fresh challenge, so no clock is needed: the client
// answers it, and the service proves by its own answer that it knew the key all along. What the service
// must remember between the steps travels in the challenge itself, sealed, so any process can go on.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  AuthError,
  type ClientMethod,
  Continue,
  type Exchange,
  type ServerMethod,
} from 'countersign';

export interface ChallengeResponseOptions {
  /** The key of a client; undefined for a client that there is not. */
  readonly keyOf: (client: string) => string | undefined;
  /** Seals challenges. Every process of the service has the same. */
  readonly sealKey: string;
}

const lifetime = 60_000;

/** The service's half. */
export function challengeResponse({ keyOf, sealKey }: ChallengeResponseOptions): ServerMethod {
  const spent = new Map<string, number>();
  const proofs = new WeakMap<Exchange, string>();

  return {
    name: 'challenge-response',
    challenge: () => ({ 'www-authenticate': 'Answer' }),

    verify(exchange) {
      const field = exchange.field('authorization') ?? '';
      if (!/^Answer /i.test(field)) return null;
      const [client = '', nonce = '', challenge = '', answer = ''] = field.slice(7).split(':');
      const now = exchange.now.getTime();

      if (challenge === '') {
        // The first step: whoever asks gets a challenge, also for a client that there is not.
        const open = `${now}.${randomBytes(16).toString('base64url')}`;
        const sealed = `${open}.${hmac(sealKey, client, nonce, open)}`;
        return new Continue({ 'www-authenticate': `Answer ${sealed}` });
      }
      const [time = '', random = '', seal = ''] = challenge.split('.');
      const key = keyOf(client);
      const known = isEqual(seal, hmac(sealKey, client, nonce, `${time}.${random}`));
      const right = isEqual(answer, hmac(key ?? '', 'client', nonce, challenge));
      if (!known || !right || key === undefined || now - Number(time) > lifetime) {
        throw new AuthError('x-answer-wrong', 'no right answer to a challenge of ours', {
          status: 401,
        });
      }
      for (const [old, end] of spent) if (end < now) spent.delete(old);
      if (spent.has(random)) throw new AuthError('x-answer-replay', 'seen before', { status: 401 });
      spent.set(random, Number(time) + lifetime);
      proofs.set(exchange, hmac(key, 'service', nonce, challenge));
      return { subject: `user:${client}`, user: client };
    },

    prove(exchange, _evidence, response) {
      response.setField('authentication-info', proofs.get(exchange)!);
    },
  };
}

/** The client's half. Its first step carries no content: that waits until there is a challenge to answer. */
export function challengeResponseClient(client: string, key: string): ClientMethod {
  const asked = new WeakMap<object, { nonce: string; challenge: string }>();

  return {
    name: 'challenge-response',

    present(request, answer) {
      if (answer === undefined) {
        const nonce = randomBytes(16).toString('base64url');
        asked.set(request, { nonce, challenge: '' });
        return new Continue({ authorization: `Answer ${client}:${nonce}` });
      }
      const { nonce } = asked.get(request)!;
      const challenge = /^Answer ([\w.-]+)$/.exec(answer.fields['www-authenticate'] ?? '')?.[1];
      if (challenge === undefined) {
        throw new AuthError('x-no-challenge', 'the service gave no challenge');
      }
      asked.set(request, { nonce, challenge });
      const response = hmac(key, 'client', nonce, challenge);
      return { authorization: `Answer ${client}:${nonce}:${challenge}:${response}` };
    },

    confirm(request, { fields }) {
      const { nonce, challenge } = asked.get(request)!;
      if (!isEqual(fields['authentication-info'] ?? '', hmac(key, 'service', nonce, challenge))) {
        throw new AuthError('x-service-unproven', 'the service did not know the key');
      }
      return { subject: `user:${client}` };
    },
  };
}

function hmac(key: string, ...parts: readonly string[]): string {
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url');
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
