import { AuthError, ConfigError } from './errors.ts';
import type { Evidence } from './identity.ts';
import type { ServerMethod } from './method.ts';
import { checkOptions, join, suggestion } from './options.ts';

/** A method's name, any of several requirements, or all of them; nested at will. */
export type Requirement = string | AnyOf | AllOf;

export interface AnyOf {
  /** In order of preference: the identity rests on the first one that is met and allowed. */
  readonly anyOf: readonly Requirement[];
}

export interface AllOf {
  readonly allOf: readonly Requirement[];
  /** How the parts must belong together. @defaultValue `'confirmation'` with a token; else it must be said */
  readonly bind?: Bind;
}

/**
 * What makes several proofs those of one peer. `confirmation`: the token names the key that each other
 * method used. `subject`: every method's `subject` mapping gives the same name. `none`: nothing does.
 */
export type Bind = 'confirmation' | 'subject' | 'none';

const binds: readonly Bind[] = ['confirmation', 'subject', 'none'];

/** One piece of evidence with the method that found it. */
export interface Proven {
  readonly method: ServerMethod;
  readonly evidence: Evidence;
}

/** A requirement whose names have been found and whose parts can hold. */
export interface CheckedRequirement {
  /** Every method it names, each once, in order. */
  readonly methods: readonly ServerMethod[];
  /**
   * Each way in which the evidence meets it, preferred first; none where it does not.
   *
   * @throws AuthError `ERR_BINDING_MISMATCH` where all parts are there and belong to different peers
   */
  ways(found: readonly Proven[]): readonly (readonly Proven[])[];
}

/** @throws ConfigError for an unknown method, an empty list, or a combination that can never hold */
export function checkRequirement(
  path: string,
  requirement: Requirement,
  methods: readonly ServerMethod[],
): CheckedRequirement {
  if (typeof requirement === 'string') return single(path, requirement, methods);
  if (typeof requirement === 'object' && requirement !== null && 'allOf' in requirement) {
    const { allOf, bind } = checkOptions(path, requirement, ['allOf', 'bind']);
    return all(path, bind, parts(join(path, 'allOf'), allOf, methods));
  }
  const { anyOf } = checkOptions(path, requirement, ['anyOf']);
  return any(parts(join(path, 'anyOf'), anyOf, methods));
}

function parts(
  path: string,
  list: readonly Requirement[],
  methods: readonly ServerMethod[],
): readonly CheckedRequirement[] {
  if (!Array.isArray(list) || list.length === 0) {
    throw new ConfigError(path, 'must be a list with at least one requirement in it');
  }
  return (list as readonly Requirement[]).map((part, i) =>
    checkRequirement(`${path}[${i}]`, part, methods),
  );
}

function single(path: string, name: string, methods: readonly ServerMethod[]): CheckedRequirement {
  const method = methods.find((one) => one.name === name);
  if (method === undefined) {
    const names = methods.map((one) => one.name);
    throw new ConfigError(path, `"${name}" is not among the methods.${suggestion(name, names)}`);
  }
  return {
    methods: [method],
    ways(found) {
      const proven = found.find((one) => one.method === method);
      return proven === undefined ? [] : [[proven]];
    },
  };
}

function any(checked: readonly CheckedRequirement[]): CheckedRequirement {
  return {
    methods: distinct(checked),
    ways: (found) => checked.flatMap((part) => part.ways(found)),
  };
}

function all(
  path: string,
  bind: Bind | undefined,
  checked: readonly CheckedRequirement[],
): CheckedRequirement {
  const methods = distinct(checked);
  const binding = checkBind(join(path, 'bind'), bind, methods);
  return {
    methods,
    ways(found) {
      const ways = checked
        .map((part) => part.ways(found))
        .reduce((left, right) => left.flatMap((a) => right.map((b) => union(a, b))));
      const bound = ways.filter((way) => isBound(binding, way));
      if (ways.length > 0 && bound.length === 0) {
        throw new AuthError(
          'ERR_BINDING_MISMATCH',
          `what ${methods.map((one) => one.name).join(' and ')} found does not belong to one peer`,
        );
      }
      return bound;
    },
  };
}

function checkBind(path: string, bind: Bind | undefined, methods: readonly ServerMethod[]): Bind {
  const tokens = methods.filter((one) => one.confirms !== undefined);
  if (bind !== undefined && !binds.includes(bind)) {
    throw new ConfigError(path, "must be 'confirmation', 'subject' or 'none'");
  }
  if (methods.length === 1) return bind ?? 'none';
  switch (bind) {
    case undefined:
      if (tokens.length > 0) return checkBind(path, 'confirmation', methods);
      throw new ConfigError(
        path,
        "must say how the parts belong together: 'subject' or 'none' (a token's 'confirmation' is not there)",
      );
    case 'confirmation':
      if (tokens.length === 0) {
        throw new ConfigError(
          path,
          'no method here names the keys of others; bind by subject or none',
        );
      }
      return bind;
    case 'subject': {
      const unmapped = methods.find((one) => one.mapsSubject !== true);
      if (unmapped !== undefined) {
        throw new ConfigError(
          path,
          `can never hold: ${unmapped.name} needs a \`subject\` mapping, for its own names begin with another prefix`,
        );
      }
      return bind;
    }
    case 'none':
      return bind;
  }
}

function isBound(bind: Bind, way: readonly Proven[]): boolean {
  switch (bind) {
    case 'none':
      return true;
    case 'subject':
      return way.every(({ evidence }) => evidence.subject === way[0]!.evidence.subject);
    case 'confirmation': {
      const tokens = way.filter(({ method }) => method.confirms !== undefined);
      if (way.length === 1) return true;
      // Only `=== true` binds, and without a token in this way nothing does.
      return (
        tokens.length > 0 &&
        tokens.every((token) =>
          way.every(
            (other) =>
              other === token || token.method.confirms?.(token.evidence, other.evidence) === true,
          ),
        )
      );
    }
  }
}

function union(a: readonly Proven[], b: readonly Proven[]): readonly Proven[] {
  return [...a, ...b.filter(({ method }) => !a.some((one) => one.method === method))];
}

function distinct(checked: readonly CheckedRequirement[]): readonly ServerMethod[] {
  return [...new Set(checked.flatMap((part) => part.methods))];
}
