// The two verbs that live in the message: present before the request leaves, confirm before its answer
// is seen.
import { AuthError, ConfigError } from '../errors.ts';
import type { Evidence } from '../identity.ts';
import { type ClientMethod, Continue, type IncomingHead, type OutgoingRequest } from '../method.ts';
import type { Fields } from './request-fields.ts';

/** How often the methods of one request may ask the service, all together. */
const maxRounds = 8;

/** A request whose fields still grow: each method sees what those before it have added. */
export interface GrowingRequest extends OutgoingRequest {
  readonly fields: Fields;
}

/**
 * Lets each method add its fields to `request`, in the order of the methods.
 *
 * @param ask sends fields to the service, without the request's own and without its content
 * @throws AuthError `ERR_SERVER_UNPROVEN` where the service always has one question more
 */
export async function present(
  methods: readonly ClientMethod[],
  request: GrowingRequest,
  ask: (question: Continue) => Promise<IncomingHead>,
): Promise<void> {
  const given = new Set<string>();
  let rounds = 0;
  for (const method of methods) {
    let presented = await method.present?.(request, undefined);
    while (presented instanceof Continue) {
      if (++rounds > maxRounds) {
        throw new AuthError(
          'ERR_SERVER_UNPROVEN',
          `${method.name}: no end after ${maxRounds} rounds`,
        );
      }
      presented = await method.present?.(request, await ask(presented));
    }
    for (const [name, value] of Object.entries(presented ?? {})) {
      const field = name.toLowerCase();
      // One would silently take the other's credentials away.
      if (given.has(field)) {
        throw new ConfigError('methods', `two of them send the field ${field}; use one of the two`);
      }
      given.add(field);
      request.fields[field] = value;
    }
  }
}

/**
 * What the service has proven by this response, by the method's name.
 *
 * @throws AuthError what a method finds missing or wrong
 */
export function confirm(
  methods: readonly ClientMethod[],
  request: OutgoingRequest,
  response: IncomingHead,
): readonly (readonly [method: string, evidence: Evidence])[] {
  return methods.flatMap((method) => {
    if (method.confirm === undefined) return [];
    const evidence: Partial<Evidence> | undefined = method.confirm(request, response);
    // Nothing is not proof, and neither is a promise: nobody would wait for it.
    if (typeof evidence?.subject !== 'string') {
      throw new AuthError('ERR_SERVER_UNPROVEN', `${method.name} answered no evidence`);
    }
    return [[method.name, evidence as Evidence] as const];
  });
}
