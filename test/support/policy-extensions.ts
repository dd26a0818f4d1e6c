import { implicit, integer, objectIdentifier, sequence } from '../../src/pki/der-writer.ts';
import type { Extension } from '../../src/pki/testing.ts';

export const anyPolicy = '2.5.29.32.0';

/** @param pairs a policy of the issuer, and the one of the subject that is as good */
export function policyMappings(pairs: readonly (readonly [string, string])[]): Extension {
  const value = sequence(...pairs.map((pair) => sequence(...pair.map(objectIdentifier))));
  return { oid: '2.5.29.33', critical: true, value };
}

export function policyConstraints(limits: {
  readonly requireExplicit?: number;
  readonly inhibitMapping?: number;
}): Extension {
  const { requireExplicit, inhibitMapping } = limits;
  const parts = [requireExplicit, inhibitMapping].map((limit, i) =>
    limit === undefined ? Buffer.alloc(0) : implicit(i, integer(limit)),
  );
  return { oid: '2.5.29.36', critical: true, value: sequence(...parts) };
}

export function inhibitAnyPolicy(skip: number): Extension {
  return { oid: '2.5.29.54', critical: true, value: integer(skip) };
}
