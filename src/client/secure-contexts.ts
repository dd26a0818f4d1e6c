import { type SecureContext, createSecureContext } from 'node:tls';
import type { ClientMethod, TlsCredentials } from '../method.ts';

/**
 * A function that answers the TLS context for the next connection.
 *
 * Credentials are asked each time. Contexts are costly with many CAs, so one lasts as long as the
 * credentials stay the same.
 */
export function secureContexts(
  ca: readonly string[],
  method: ClientMethod | undefined,
): () => Promise<SecureContext> {
  let last: { readonly material: string; readonly context: SecureContext } | undefined;
  return async () => {
    const credentials = await method?.credentials?.();
    const material = spell(credentials);
    if (last?.material !== material) {
      const context = createSecureContext({
        ca: [...ca],
        minVersion: 'TLSv1.2',
        // One by one: whatever else a method answers must not become a TLS option.
        cert: credentials?.cert,
        key: credentials?.key,
        passphrase: credentials?.passphrase,
      });
      last = { material, context };
    }
    return last.context;
  };
}

function spell(credentials: TlsCredentials | undefined): string {
  const { cert = '', key = '', passphrase = '' } = credentials ?? {};
  return JSON.stringify([String(cert), String(key), passphrase]);
}
