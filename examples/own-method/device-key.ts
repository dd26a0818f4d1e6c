// A method of one's own, in one step: a device and the service share a key, and each shows the other that
// it holds it. The key never travels.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { AuthError, type ClientMethod, type Exchange, type ServerMethod } from 'countersign';

/** The key of a device; undefined for a device that there is not. */
export type KeyOf = (device: string) => string | undefined;

const lifetime = 60;
const credentials = /^Device ([\w-]{1,64}):(\d{1,12}):([\w-]{22}):([\w-]{43})$/;

/** The service's half: verifies the device's seal, and proves itself with one of its own. */
export function deviceKey(keyOf: KeyOf): ServerMethod {
  // Holds what one lifetime brings. Several processes would share a store instead.
  const spent = new Map<string, number>();
  const seals = new WeakMap<Exchange, { key: string; seal: string }>();

  return {
    name: 'device-key',
    challenge: () => ({ 'www-authenticate': 'Device' }),

    verify(exchange) {
      const field = exchange.field('authorization') ?? '';
      // Another scheme is none of our business; ours, misspelt, is.
      if (!/^Device /i.test(field)) return null;
      const [, device, seconds, nonce, seal] = credentials.exec(field) ?? [];
      if (
        device === undefined ||
        seconds === undefined ||
        nonce === undefined ||
        seal === undefined
      ) {
        throw new AuthError('x-device-malformed', 'no Device credentials', { status: 400 });
      }
      const key = keyOf(device);
      const { method, target } = exchange;
      const expected = sealOf(key ?? '', 'device', method, target, device, seconds, nonce);
      if (!isEqual(seal, expected) || key === undefined) {
        throw new AuthError('x-device-seal', 'the seal is not that of the device', { status: 401 });
      }
      const now = Math.floor(exchange.now.getTime() / 1000);
      if (Math.abs(now - Number(seconds)) > lifetime) {
        throw new AuthError('x-device-stale', 'the seal is too old or too new', { status: 401 });
      }
      for (const [old, end] of spent) if (end < now) spent.delete(old);
      if (spent.has(nonce)) throw new AuthError('x-device-replay', 'seen before', { status: 401 });
      spent.set(nonce, now + 2 * lifetime);
      seals.set(exchange, { key, seal });
      return { subject: `key:${device}`, keyId: device };
    },

    prove(exchange, _evidence, response) {
      const { key, seal } = seals.get(exchange)!;
      response.setField('authentication-info', sealOf(key, 'service', seal, `${response.status}`));
    },
  };
}

/** The device's half: presents a seal over the request, and confirms the service's over the answer. */
export function deviceKeyClient(device: string, key: string): ClientMethod {
  const seals = new WeakMap<object, string>();

  return {
    name: 'device-key',

    present(request) {
      const seconds = `${Math.floor(Date.now() / 1000)}`;
      const nonce = randomBytes(16).toString('base64url');
      const seal = sealOf(key, 'device', request.method, request.target, device, seconds, nonce);
      seals.set(request, seal);
      return { authorization: `Device ${device}:${seconds}:${nonce}:${seal}` };
    },

    confirm(request, { status, fields }) {
      const expected = sealOf(key, 'service', seals.get(request) ?? '', `${status}`);
      if (!isEqual(fields['authentication-info'] ?? '', expected)) {
        throw new AuthError('x-service-seal', 'the answer is not that of the service');
      }
      return { subject: `key:${device}` };
    },
  };
}

function sealOf(key: string, ...parts: readonly string[]): string {
  return createHmac('sha256', key).update(JSON.stringify(parts)).digest('base64url');
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
