// What signatures of ours cover, on both sides: the signer covers what this says, and the verifier refuses
// what covers less. Pure.

export const requestTag = 'countersign-request';
export const responseTag = 'countersign-response';

/** A message, as far as it decides what must be covered. */
export interface Coverable {
  /** Whether there is such a field. @param name in lower case */
  has(name: string): boolean;
}

const target = ['@method', '@authority', '@path', '@query'] as const;

/** Fields that change what a request means, each covered where it is there. */
const requestFields = [
  'content-encoding',
  'authorization',
  'dpop',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  // Frameworks take another method from these.
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
] as const;

/**
 * Fields of which a request has one line. Signatures join lines, and most readers take the first: signed as
 * one, a field that came as two says something else to a handler.
 */
export const singletons: readonly string[] = [
  'content-type',
  ...requestFields.filter((name) => !/^(?:content-encoding|if-match|if-none-match)$/.test(name)),
];

/** What the signature of a request covers at least. */
export function requestCoverage(request: Coverable, hasContent: boolean): readonly string[] {
  const covered: string[] = [...target];
  if (hasContent) covered.push('content-digest');
  if (hasContent && request.has('content-type')) covered.push('content-type');
  for (const name of requestFields) if (request.has(name)) covered.push(name);
  return covered;
}

/** Fields that change what a response means or makes its receiver do, each covered where it is there. */
const responseFields = [
  'content-type',
  'content-encoding',
  'content-range',
  'cache-control',
  'etag',
  'last-modified',
  'location',
  'retry-after',
  'www-authenticate',
  'authentication-info',
  'access-control-allow-origin',
  'access-control-allow-credentials',
] as const;

/** Fields of the request that the response's signature binds it to, beside its target. */
const boundFields = [
  'content-type',
  'content-encoding',
  'content-digest',
  'authorization',
  'dpop',
] as const;

/** The signature that a request had, as far as the response is bound to it. */
export interface RequestSignature {
  readonly label: string;
  /** Identifiers, as in `content-digest`. */
  readonly components: readonly string[];
}

/**
 * What the signature of a response covers at least: the response, and which request it answers.
 *
 * Not `"signature";req`: RFC 9421 section 7.3.7.
 *
 * @param hasContent false for 204, 304 and answers to HEAD
 * @param signature of the request, where it had one of ours
 */
export function responseCoverage(
  response: Coverable,
  hasContent: boolean,
  request: Coverable,
  signature: RequestSignature | undefined,
): readonly string[] {
  const covered = ['@status'];
  if (hasContent) covered.push('content-digest');
  for (const name of responseFields) if (response.has(name)) covered.push(name);
  if (response.has('set-cookie')) covered.push('set-cookie;bs');
  const bound = new Set<string>(target);
  for (const name of boundFields) if (request.has(name)) bound.add(name);
  for (const component of signature?.components ?? []) bound.add(component);
  for (const component of bound) covered.push(`${component};req`);
  if (signature !== undefined) covered.push(`signature-input;req;key="${signature.label}"`);
  return covered;
}
