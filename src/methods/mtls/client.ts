import { type KeyObject, X509Certificate, createPrivateKey } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import type { MaybePromise } from '../../maybe-promise.ts';
import type { ClientMethod, Pem, TlsCredentials } from '../../method.ts';
import { checkOptions } from '../../options.ts';

/** PEM, or a function that answers it each time a connection is opened. */
export type PemSource = Pem | (() => MaybePromise<Pem>);

export interface MtlsCredentials {
  /** The certificate, leaf first, then any intermediates. */
  readonly cert: PemSource;
  readonly key: PemSource;
  /** The passphrase of an encrypted key. */
  readonly passphrase?: string;
}

/**
 * Presents a client certificate in the TLS handshake.
 *
 * What is given as PEM is checked here. Functions are asked once per connection, so a certificate that
 * was renewed is presented from the next connection on; connections that are open keep the old one.
 * What they answer is checked then, and a ConfigError refuses the connection.
 *
 * @throws ConfigError for material that cannot be read, or a key that is not the certificate's
 */
export function mtlsClient(
  credentials: MtlsCredentials | (() => MaybePromise<TlsCredentials>),
): ClientMethod {
  if (typeof credentials === 'function') {
    return { name: 'mtls', credentials: async () => checkCredentials(await credentials()) };
  }
  checkShape(credentials);
  const { cert, key, ...passphrase } = credentials;
  if (typeof cert !== 'function' && typeof key !== 'function') {
    const checked = checkCredentials({ cert, key, ...passphrase });
    return { name: 'mtls', credentials: () => checked };
  }
  if (typeof cert !== 'function') readLeaf(cert);
  if (typeof key !== 'function') readKey(key, credentials.passphrase);
  return {
    name: 'mtls',
    async credentials() {
      const [freshCert, freshKey] = await Promise.all([ask(cert), ask(key)]);
      return checkCredentials({ cert: freshCert, key: freshKey, ...passphrase });
    },
  };
}

function ask(source: PemSource): MaybePromise<Pem> {
  return typeof source === 'function' ? source() : source;
}

function checkShape(credentials: MtlsCredentials | TlsCredentials): void {
  checkOptions('mtlsClient', credentials, ['cert', 'key', 'passphrase']);
}

function checkCredentials(credentials: TlsCredentials): TlsCredentials {
  checkShape(credentials);
  const { cert, key, passphrase } = credentials;
  if (!readLeaf(cert).checkPrivateKey(readKey(key, passphrase))) {
    throw new ConfigError(
      'mtlsClient.key',
      'is not the key of the first certificate in `cert`; give the pair, leaf first',
    );
  }
  return credentials;
}

function readLeaf(cert: Pem): X509Certificate {
  try {
    return new X509Certificate(checkPem(cert));
  } catch {
    throw new ConfigError('mtlsClient.cert', 'cannot be read; give a certificate in PEM');
  }
}

function readKey(key: Pem, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({
      key: checkPem(key),
      format: 'pem',
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch {
    throw new ConfigError(
      'mtlsClient.key',
      'cannot be read; give a private key in PEM, and `passphrase` if it is encrypted',
    );
  }
}

// The readers of node:crypto take other forms too (DER, key objects), which TLS would not.
function checkPem(pem: Pem): Pem {
  if (!String(pem).includes('-----BEGIN ')) throw new TypeError('not PEM');
  return pem;
}
