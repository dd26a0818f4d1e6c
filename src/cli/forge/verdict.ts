import type { Probe } from './probes.ts';
import type { Answer } from './send.ts';

/** What an answer says of a probe. */
export type Verdict =
  /** As without the field: the proxy took or wrote it, or the service passes over it. */
  | 'kept out'
  /** Refused by who saw it. */
  | 'refused'
  /** Refused, but by the service, which should not have seen it. */
  | 'passed on'
  /** Not refused. */
  | 'believed'
  /** Neither. */
  | 'unclear';

export const goodVerdicts: readonly Verdict[] = ['kept out', 'refused'];

/** @param baseline the status of a refusal without any field */
export function judge({ tells }: Probe, { status }: Answer, baseline: number): Verdict {
  if (status === baseline) return 'kept out';
  // A limit says nothing of the field.
  if (status === undefined || status === 429 || status >= 500) return 'unclear';
  if (status < 400) return 'believed';
  return tells ? 'passed on' : 'refused';
}

/**
 * Why nothing can be learned from a service that answers so to a request without any field; undefined where
 * it refuses it for its lack of a certificate.
 */
export function uselessBaseline({ status, reason }: Answer): string | undefined {
  if (status === 401 || status === 403) return undefined;
  if (status === undefined) return reason;
  const answers = `without any certificate field it answers ${status}`;
  if (status < 400) return `${answers}: name a URL that asks for a certificate`;
  if (status >= 500) return `${answers}: mend that first`;
  // As countersign answers a malformed field; nginx says so where it insists on a certificate.
  if (status === 400) {
    return `${answers}, as it would with one: name a URL where TLS makes the certificate optional`;
  }
  return `${answers}, not 401 or 403: name a URL that asks for a certificate`;
}
