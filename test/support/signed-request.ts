// A request as an honest peer signs it, to be changed by dishonest ones.
import { type KeyObject, randomBytes } from 'node:crypto';
import type { Exchange } from '../../src/exchange.ts';
import type { SignatureAlgorithm } from '../../src/http/message-signatures/algorithms.ts';
import { contentDigest } from '../../src/http/content-digest.ts';
import { signMessage } from '../../src/http/message-signatures/sign.ts';
import type { SignatureParameters } from '../../src/http/message-signatures/parameters.ts';
import { requestCoverage, requestTag } from '../../src/methods/signature/coverage.ts';
import { fakeExchange } from './exchange.ts';

export interface Signing {
  readonly method?: string;
  readonly target?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly content?: string;
  readonly key: KeyObject;
  readonly algorithm: SignatureAlgorithm;
  /** In place of what covers all that must be. */
  readonly components?: readonly string[];
  /** Beside or in place of the usual ones; undefined leaves one out. */
  readonly parameters?: {
    readonly [Name in keyof SignatureParameters]?: SignatureParameters[Name] | undefined;
  };
  readonly now: Date;
}

/** The fields of a signed request. */
export function signedFields(signing: Signing): Readonly<Record<string, string>> {
  const { method = 'GET', target = '/', content, key, algorithm, now } = signing;
  const fields: Record<string, string> = { ...signing.fields };
  if (content !== undefined) {
    fields['content-digest'] ??= contentDigest(content);
    fields['content-length'] = String(Buffer.byteLength(content));
  }
  const has = (name: string): boolean => name in fields;
  const parameters = {
    created: Math.floor(now.getTime() / 1000),
    keyid: 'alice',
    nonce: randomBytes(16).toString('base64url'),
    tag: requestTag,
    ...signing.parameters,
  };
  return {
    ...fields,
    ...signMessage(
      { method, url: `https://api.example${target}`, headers: fields },
      {
        components: signing.components ?? requestCoverage({ has }, content !== undefined),
        parameters: Object.fromEntries(
          Object.entries(parameters).filter(([, value]) => value !== undefined),
        ),
        signer: { key, algorithm },
      },
    ),
  };
}

/** The request as a verifier sees it. */
export function signedExchange(signing: Signing): Exchange {
  const { method = 'GET', target = '/', content, now } = signing;
  const exchange = fakeExchange({ method, target, now, fields: signedFields(signing) });
  return content === undefined ? exchange : { ...exchange, content: { isEmpty: false, tap() {} } };
}
