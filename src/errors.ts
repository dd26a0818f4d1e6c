// Two kinds of fault and no sub-classes: codes narrow as well as classes do, and need no import.

/**
 * Every reason of ours to refuse a peer, with the status that the refusal carries.
 *
 * 400 malformed, 401 and 403 the peer's proof or its rights, 421 another service, 500 ours to mend, 502
 * the server that our client speaks to (there, whatever the code). A 401 without any challenge to offer becomes a 403 (RFC 9110 section 15.5.2).
 */
export const authErrorStatus = {
  ERR_BINDING_MISMATCH: 403,
  ERR_BODY_CONSUMED: 500,
  ERR_CERTIFICATE_ALGORITHM: 403,
  ERR_CERTIFICATE_CONSTRAINED: 403,
  ERR_CERTIFICATE_EXPIRED: 403,
  ERR_CERTIFICATE_EXTENSION: 403,
  ERR_CERTIFICATE_ISSUER: 403,
  ERR_CERTIFICATE_MALFORMED: 400,
  ERR_CERTIFICATE_NAME: 403,
  ERR_CERTIFICATE_NOT_YET_VALID: 403,
  ERR_CERTIFICATE_POLICY: 403,
  ERR_CERTIFICATE_REVOKED: 403,
  ERR_CERTIFICATE_SIGNATURE: 403,
  ERR_CERTIFICATE_UNDECIDED: 403,
  ERR_CERTIFICATE_UNTRUSTED: 403,
  ERR_CERTIFICATE_USAGE: 403,
  ERR_CREDENTIAL_EXPIRED: 401,
  ERR_CREDENTIAL_MISSING: 401,
  ERR_CROSS_SITE: 403,
  ERR_DIGEST_MISMATCH: 400,
  ERR_FIELD_MALFORMED: 400,
  ERR_FIELD_TOO_LARGE: 431,
  ERR_IDENTITY_MISSING: 500,
  ERR_INTERNAL: 500,
  ERR_KEY_UNKNOWN: 401,
  ERR_MISDIRECTED_REQUEST: 421,
  ERR_NOT_ALLOWED: 403,
  ERR_NO_TRUST_ANCHORS: 500,
  ERR_ORIGIN_NOT_LISTED: 502,
  ERR_PIN_MISMATCH: 502,
  ERR_PROXY_UNTRUSTED: 403,
  ERR_REPLAYED: 401,
  ERR_REQUEST_MALFORMED: 400,
  ERR_RESUMPTION_UNVERIFIED: 403,
  ERR_REVOCATION_UNKNOWN: 503,
  ERR_SERVER_UNPROVEN: 502,
  ERR_SIGNATURE_STALE: 401,
  ERR_SIGNATURE_COVERAGE: 401,
  ERR_SIGNATURE_INVALID: 401,
  ERR_SIGNATURE_MALFORMED: 400,
  ERR_STEP_UP_REQUIRED: 401,
  ERR_STORE_FULL: 503,
  ERR_STORE_UNAVAILABLE: 503,
} as const;

/** A code of ours, or one of a user's own method, which begins with `x-`. */
export type AuthErrorCode = keyof typeof authErrorStatus | `x-${string}`;

/** Header fields of a response, by lower-case name. */
export type ResponseFields = Readonly<Record<string, string | readonly string[]>>;

export interface AuthErrorOptions {
  /** The HTTP status of the refusal. @defaultValue the code's own; 403 for `x-` codes */
  readonly status?: number;
  /** Header fields that the refusal carries, by lower-case name. */
  readonly headers?: ResponseFields;
  /** What went wrong underneath. It goes to the event channel, never to the peer. */
  readonly cause?: unknown;
}

const authErrorBrand = Symbol.for('countersign.AuthError');
const configErrorBrand = Symbol.for('countersign.ConfigError');

/**
 * A peer failed to prove itself, or is not allowed.
 *
 * `message` is the reason and goes to the event channel; the peer gets the status alone. It never
 * holds a token, a password, a key or a whole certificate.
 */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly code: AuthErrorCode;
  readonly status: number;
  /** The same as `status`, for frameworks that read this name. */
  readonly statusCode: number;
  readonly headers: ResponseFields;
  /** Always false: frameworks that honour it keep the message to themselves. */
  readonly expose = false;

  constructor(code: AuthErrorCode, reason: string, options: AuthErrorOptions = {}) {
    super(reason, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.status = options.status ?? statusOf(code);
    this.statusCode = this.status;
    this.headers = options.headers ?? {};
    Object.defineProperty(this, authErrorBrand, { value: true });
  }

  // Two copies of the package in one process must recognise each other's errors.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(value, authErrorBrand);
  }
}

/** The program is configured wrongly. Thrown while constructing only; the message ends with the fix. */
export class ConfigError extends TypeError {
  override readonly name = 'ConfigError';
  /** The option at fault, as a path: `policy.allow[0].spiffeId`. */
  readonly path: string;

  constructor(path: string, fix: string) {
    super(`${path}: ${fix}`);
    this.path = path;
    Object.defineProperty(this, configErrorBrand, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isBranded(value, configErrorBrand);
  }
}

/** A peer's own text, safe to put in a message: quoted, escaped and cut at 64 characters. */
export function quote(text: string): string {
  const json = JSON.stringify(text.length > 64 ? `${text.slice(0, 63)}\u2026` : text);
  // JSON leaves some controls as they are, and those that change the direction of what follows.
  return json.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** What an error says; what else may be thrown is put into words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function statusOf(code: AuthErrorCode): number {
  return code in authErrorStatus ? authErrorStatus[code as keyof typeof authErrorStatus] : 403;
}

function isBranded(value: unknown, brand: symbol): boolean {
  return typeof value === 'object' && value !== null && brand in value;
}
