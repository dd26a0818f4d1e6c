import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AuthError } from '../../../src/errors.ts';
import type { Certificate } from '../../../src/x509/certificate.ts';
import { distinguishedName } from '../../../src/pki/names.ts';
import { PolicyGraph, type PolicyOptions } from '../../../src/x509/path/policy-graph.ts';
import { authError } from '../../support/errors.ts';
import { anyPolicy } from '../../support/policy-extensions.ts';

const refused = authError('ERR_CERTIFICATE_POLICY');
const [A, B, C, D] = ['1.2.1', '1.2.2', '1.2.3', '1.2.4'] as const;
const any = anyPolicy;

/** What one certificate says of policies; without a list it has no such extension. */
interface Says {
  readonly policies?: readonly string[];
  readonly map?: readonly (readonly [issuer: string, subject: string])[];
  readonly requireExplicit?: number;
  readonly inhibitMapping?: number;
  readonly inhibitAny?: number;
  readonly selfIssued?: boolean;
}

const [ownName, otherName] = [distinguishedName('one'), distinguishedName('two')];

function certificate(says: Says): Certificate {
  const { policies, map, requireExplicit, inhibitMapping, inhibitAny, selfIssued } = says;
  return {
    issuer: ownName,
    subject: selfIssued === true ? ownName : otherName,
    policies: policies === undefined ? undefined : { oids: policies },
    policyMappings: map?.map(([issuer, subject]) => ({ issuer, subject })),
    policyConstraints:
      requireExplicit === undefined && inhibitMapping === undefined
        ? undefined
        : { requireExplicit, inhibitMapping },
    inhibitAnyPolicy: inhibitAny,
  } as unknown as Certificate;
}

/** The policies of a path, from below the anchor down to the leaf. */
function policiesOf(path: readonly Says[], options: PolicyOptions = {}): readonly string[] {
  const graph = new PolicyGraph(options);
  for (const [i, says] of path.entries()) {
    graph.add(certificate(says), i === path.length - 1 ? 'leaf' : 'intermediate');
  }
  return [...graph.result()].sort();
}

interface Row {
  readonly name: string;
  readonly path: readonly Says[];
  readonly options?: PolicyOptions;
  /** Undefined where the path is refused. */
  readonly expected: readonly string[] | undefined;
}

const explicit: PolicyOptions = { requireExplicit: true };
const of = (...policies: readonly string[]): Says => ({ policies });

const rows: readonly Row[] = [
  { name: 'a policy in every certificate', path: [of(A), of(A)], expected: [A] },
  { name: 'what all have in common', path: [of(A, B), of(B, C), of(B)], expected: [B] },
  { name: 'none in common', path: [of(A), of(B)], expected: [] },
  { name: 'no policies at all', path: [{}, {}], expected: [] },
  { name: 'one certificate without', path: [of(A), {}, of(A)], expected: [] },
  {
    name: 'none in common, and one is asked for',
    path: [of(A), of(B)],
    options: explicit,
    expected: undefined,
  },
  { name: 'no policies, and one is asked for', path: [{}], options: explicit, expected: undefined },
  { name: 'one, and one is asked for', path: [of(A)], options: explicit, expected: [A] },
  {
    name: 'one of those that are acceptable',
    path: [of(A, B), of(A, B)],
    options: { initial: [B, C] },
    expected: [B],
  },
  {
    name: 'none of those that are acceptable, which nobody insists on',
    path: [of(A)],
    options: { initial: [B] },
    expected: [],
  },
  {
    name: 'none of those that are acceptable',
    path: [of(A)],
    options: { ...explicit, initial: [B] },
    expected: undefined,
  },
  {
    name: 'every policy is acceptable',
    path: [of(A)],
    options: { ...explicit, initial: [B, any] },
    expected: [A],
  },
  {
    name: 'no policy is acceptable',
    path: [of(A)],
    options: { ...explicit, initial: [] },
    expected: undefined,
  },

  { name: 'anyPolicy above', path: [of(any), of(A)], expected: [A] },
  { name: 'anyPolicy below', path: [of(A, B), of(any)], expected: [A, B] },
  { name: 'anyPolicy throughout', path: [of(any), of(any)], expected: [any] },
  {
    name: 'anyPolicy throughout, for those that are acceptable',
    path: [of(any)],
    options: { initial: [A, B] },
    expected: [A, B],
  },
  { name: 'anyPolicy beside another', path: [of(A, any), of(B)], expected: [B] },
  { name: 'anyPolicy beside another below', path: [of(A, B), of(any, A)], expected: [A, B] },
  {
    name: 'anyPolicy where it stands for none',
    path: [of(any), of(A)],
    options: { inhibitAny: true },
    expected: [],
  },
  {
    name: 'anyPolicy in the leaf where it stands for none',
    path: [of(A), of(any)],
    options: { inhibitAny: true },
    expected: [],
  },
  { name: 'inhibitAnyPolicy 0', path: [{ policies: [any], inhibitAny: 0 }, of(any)], expected: [] },
  {
    name: 'inhibitAnyPolicy 1, one below',
    path: [{ policies: [any], inhibitAny: 1 }, of(any)],
    expected: [any],
  },
  {
    name: 'inhibitAnyPolicy 1, two below',
    path: [{ policies: [any], inhibitAny: 1 }, of(any), of(any)],
    expected: [],
  },
  {
    name: 'inhibitAnyPolicy that a CA below would raise',
    path: [{ policies: [any], inhibitAny: 0 }, { policies: [A], inhibitAny: 5 }, of(any)],
    expected: [],
  },
  {
    name: 'inhibitAnyPolicy and a CA that issued to itself',
    path: [{ policies: [any], inhibitAny: 0 }, { policies: [any], selfIssued: true }, of(A)],
    expected: [A],
  },
  {
    name: 'inhibitAnyPolicy and a leaf that issued to itself',
    path: [
      { policies: [A], inhibitAny: 0 },
      { policies: [any], selfIssued: true },
    ],
    expected: [],
  },
  {
    name: 'inhibitAnyPolicy 1 is not used up by a CA that issued to itself',
    path: [{ policies: [any], inhibitAny: 1 }, { policies: [any], selfIssued: true }, of(any)],
    expected: [any],
  },
  {
    name: 'inhibitAnyPolicy in the leaf',
    path: [of(A), { policies: [any], inhibitAny: 0 }],
    expected: [A],
  },

  { name: 'requireExplicitPolicy 0', path: [{ requireExplicit: 0 }, of(A)], expected: undefined },
  {
    name: 'requireExplicitPolicy 0 with policies',
    path: [{ policies: [A], requireExplicit: 0 }, of(A)],
    expected: [A],
  },
  {
    name: 'requireExplicitPolicy 1 above a leaf without',
    path: [{ policies: [A], requireExplicit: 1 }, {}],
    expected: undefined,
  },
  {
    name: 'requireExplicitPolicy 2 above a leaf without',
    path: [{ policies: [A], requireExplicit: 2 }, {}],
    expected: [],
  },
  {
    name: 'requireExplicitPolicy 2 and a CA that issued to itself',
    path: [{ policies: [A], requireExplicit: 2 }, { policies: [A], selfIssued: true }, {}],
    expected: [],
  },
  {
    name: 'requireExplicitPolicy 2 and another CA',
    path: [{ policies: [A], requireExplicit: 2 }, of(A), {}],
    expected: undefined,
  },
  {
    name: 'requireExplicitPolicy that a CA below would raise',
    path: [{ policies: [A], requireExplicit: 0 }, { policies: [A], requireExplicit: 5 }, {}],
    expected: undefined,
  },
  {
    name: 'requireExplicitPolicy 0 in the leaf',
    path: [of(A), { policies: [B], requireExplicit: 0 }],
    expected: undefined,
  },
  {
    name: 'requireExplicitPolicy 1 in the leaf',
    path: [of(A), { policies: [B], requireExplicit: 1 }],
    expected: [],
  },
  {
    name: 'a leaf that issued to itself counts',
    path: [{ policies: [A], requireExplicit: 1 }, { selfIssued: true }],
    expected: undefined,
  },

  {
    name: 'a mapping',
    path: [{ policies: [A], map: [[A, B]] }, of(B)],
    options: { ...explicit, initial: [A] },
    expected: [A],
  },
  {
    name: 'a mapping, but the old name',
    path: [{ policies: [A], map: [[A, B]] }, of(A)],
    expected: [],
  },
  {
    name: 'a mapping to two',
    path: [
      {
        policies: [A],
        map: [
          [A, B],
          [A, C],
        ],
      },
      of(C),
    ],
    expected: [A],
  },
  {
    name: 'two mappings to one',
    path: [
      {
        policies: [A, B],
        map: [
          [A, C],
          [B, C],
        ],
      },
      of(C),
    ],
    expected: [A, B],
  },
  {
    name: 'mappings that swap',
    path: [
      {
        policies: [A],
        map: [
          [A, B],
          [B, A],
        ],
      },
      of(B),
    ],
    expected: [A],
  },
  {
    name: 'mappings one after the other',
    path: [{ policies: [A], map: [[A, B]] }, { policies: [B], map: [[B, C]] }, of(C)],
    expected: [A],
  },
  {
    name: 'a mapping of a policy that is not there',
    path: [{ policies: [A], map: [[B, C]] }, of(C)],
    expected: [],
  },
  {
    name: 'a mapping out of anyPolicy',
    path: [{ policies: [any], map: [[A, B]] }, of(B)],
    expected: [A],
  },
  {
    name: 'a mapping out of anyPolicy leaves the others',
    path: [{ policies: [any], map: [[A, B]] }, of(C)],
    expected: [C],
  },
  {
    name: 'a mapping beside anyPolicy',
    path: [{ policies: [A, any], map: [[A, B]] }, of(any)],
    expected: [A, any],
  },
  {
    name: 'a mapping above anyPolicy',
    path: [{ policies: [A], map: [[A, B]] }, of(any)],
    expected: [A],
  },
  { name: 'a mapping in the leaf', path: [of(A), { policies: [A], map: [[A, B]] }], expected: [A] },
  { name: 'a mapping without policies', path: [{ map: [[A, B]] }, of(B)], expected: [] },
  {
    name: 'a mapping from every policy',
    path: [{ policies: [A], map: [[any, B]] }, of(A)],
    expected: undefined,
  },
  {
    name: 'a mapping to every policy',
    path: [{ policies: [A], map: [[A, any]] }, of(A)],
    expected: undefined,
  },
  {
    name: 'a mapping to every policy where there are no policies',
    path: [{ map: [[A, any]] }, {}],
    expected: undefined,
  },
  {
    name: 'a mapping that is inhibited',
    path: [{ policies: [A], map: [[A, B]] }, of(B)],
    options: { inhibitMapping: true },
    expected: [],
  },
  {
    name: 'a mapping that is inhibited takes the policy away',
    path: [{ policies: [A, B], map: [[A, C]] }, of(A, B)],
    options: { inhibitMapping: true },
    expected: [B],
  },
  {
    name: 'a mapping that is inhibited takes the last policy away',
    path: [{ policies: [A], map: [[A, C]] }, of(A)],
    options: { ...explicit, inhibitMapping: true },
    expected: undefined,
  },
  {
    name: 'inhibitPolicyMapping 0',
    path: [{ policies: [A], inhibitMapping: 0 }, { policies: [A], map: [[A, B]] }, of(B)],
    expected: [],
  },
  {
    name: 'inhibitPolicyMapping 1',
    path: [{ policies: [A], inhibitMapping: 1 }, { policies: [A], map: [[A, B]] }, of(B)],
    expected: [A],
  },
  {
    name: 'inhibitPolicyMapping 1, one further down',
    path: [{ policies: [A], inhibitMapping: 1 }, of(A), { policies: [A], map: [[A, B]] }, of(B)],
    expected: [],
  },
  {
    name: 'inhibitPolicyMapping 1 is not used up by a CA that issued to itself',
    path: [
      { policies: [A], inhibitMapping: 1 },
      { policies: [A], selfIssued: true },
      { policies: [A], map: [[A, B]] },
      of(B),
    ],
    expected: [A],
  },
  {
    name: 'inhibitPolicyMapping that a CA below would raise',
    path: [
      { policies: [A], inhibitMapping: 0 },
      { policies: [A], inhibitMapping: 3 },
      { policies: [A], map: [[A, B]] },
      of(B),
    ],
    expected: [],
  },
  {
    name: 'inhibitPolicyMapping does not hold for its own mapping',
    path: [{ policies: [A], map: [[A, B]], inhibitMapping: 0 }, of(B)],
    expected: [A],
  },
  {
    name: 'a policy of another branch with a mapped name',
    path: [{ policies: [A, B], map: [[A, B]] }, of(B)],
    expected: [A, B],
  },
  {
    name: 'a branch that ends',
    path: [
      of(A, B),
      {
        policies: [A, B],
        map: [
          [A, C],
          [B, D],
        ],
      },
      of(D),
    ],
    expected: [B],
  },
];

describe('PolicyGraph', () => {
  for (const { name, path, options, expected } of rows) {
    it(`${expected === undefined ? 'refuses' : `answers [${expected.join()}] to`} ${name}`, () => {
      if (expected === undefined) assert.throws(() => policiesOf(path, options), refused);
      else assert.deepEqual(policiesOf(path, options), [...expected].sort());
    });
  }

  it('leaves the policies to those below where an anchor says nothing of them', () => {
    const graph = new PolicyGraph(explicit);
    graph.add(certificate({ inhibitAny: 0, selfIssued: true }), 'anchor');
    graph.add(certificate(of(A)), 'leaf');
    assert.deepEqual(graph.result(), [A]);
  });

  it("takes an anchor's own policies, mappings and limits", () => {
    const under = (says: Says, leaf: Says) => {
      const graph = new PolicyGraph({});
      graph.add(certificate({ ...says, selfIssued: true }), 'anchor');
      graph.add(certificate(leaf), 'leaf');
      return graph.result();
    };
    assert.deepEqual(under(of(A), of(A, B)), [A]);
    assert.deepEqual(under({ policies: [A], map: [[A, B]] }, of(B)), [A]);
    assert.deepEqual(under({ inhibitAny: 0 }, of(any)), []);
    assert.throws(() => under({ requireExplicit: 0 }, {}), refused);
  });

  it('does not take a list that is changed later', () => {
    const path = [of(any)];
    const initial = [A];
    assert.deepEqual(policiesOf(path, { initial }), [A]);
    assert.deepEqual(initial, [A]);
  });

  // The tree of RFC 5280, written down word for word, on paths short enough for it.
  it('answers what the tree of RFC 5280 answers', () => {
    const oid = fc.constantFrom(A, B, C);
    const oids = fc.uniqueArray(fc.constantFrom(A, B, C, any), { minLength: 1 });
    const limit = fc.option(fc.nat({ max: 2 }), { nil: undefined, freq: 2 });
    const says: fc.Arbitrary<Says> = fc.record({
      policies: fc.option(oids, { nil: undefined, freq: 12 }),
      map: fc.option(fc.array(fc.tuple(oid, oid), { minLength: 1, maxLength: 3 }), {
        nil: undefined,
      }),
      requireExplicit: limit,
      inhibitMapping: limit,
      inhibitAny: limit,
      selfIssued: fc.boolean(),
    }) as fc.Arbitrary<Says>;
    const options = fc.record(
      {
        initial: fc.uniqueArray(fc.constantFrom(A, B, C, any)),
        requireExplicit: fc.boolean(),
        inhibitMapping: fc.boolean(),
        inhibitAny: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(says, { minLength: 1, maxLength: 5 }), options, (path, given) => {
        let graph: readonly string[] | undefined;
        try {
          graph = policiesOf(path, given);
        } catch (error) {
          assert.ok(error instanceof AuthError);
        }
        assert.deepEqual(graph, policyTree(path, given));
      }),
      { numRuns: 5_000 },
    );
  });

  it('does not grow with what makes the tree grow without end', () => {
    // Each level maps every policy to every other: the tree has 20 to the power of 20 nodes.
    const all = Array.from({ length: 20 }, (_, i) => `1.2.${i}`);
    const level: Says = { policies: all, map: all.flatMap((a) => all.map((b) => [a, b] as const)) };
    assert.deepEqual(
      policiesOf([...Array.from({ length: 20 }, () => level), of(...all)]),
      [...all].sort(),
    );
  });

  it('bears as many policies and mappings as are in use, and no more than 1,024', () => {
    const undecided = authError('ERR_CERTIFICATE_UNDECIDED');
    const oids = Array.from({ length: 1_025 }, (_, i) => `1.2.3.${i}`);
    const pairs = oids.map((policy) => [A, policy] as const);
    assert.equal(policiesOf([of(...oids.slice(1))]).length, 1_024);
    assert.throws(() => policiesOf([of(...oids)]), undecided);
    assert.deepEqual(policiesOf([{ policies: [A], map: pairs.slice(1) }, of(oids[7]!)]), [A]);
    assert.throws(() => policiesOf([{ policies: [A], map: pairs }, of(A)]), undecided);
    assert.throws(() => policiesOf([{ map: pairs }, of(A)]), undecided);
  });
});

interface Node {
  readonly policy: string;
  expected: readonly string[];
  readonly parent: Node | undefined;
  readonly depth: number;
}

/** RFC 5280 sections 6.1.2 to 6.1.5, for policies. Undefined where the path is refused. */
function policyTree(path: readonly Says[], options: PolicyOptions): readonly string[] | undefined {
  const n = path.length;
  const root: Node = { policy: any, expected: [any], parent: undefined, depth: 0 };
  let tree: Node[] = [root];
  let explicitPolicy = options.requireExplicit === true ? 0 : n + 1;
  let policyMapping = options.inhibitMapping === true ? 0 : n + 1;
  let inhibitAny = options.inhibitAny === true ? 0 : n + 1;
  const at = (depth: number) => tree.filter((node) => node.depth === depth);
  const childless = (node: Node) => !tree.some(({ parent }) => parent === node);
  const prune = (depth: number): void => {
    for (let d = depth; d >= 0; d--) tree = tree.filter((x) => x.depth !== d || !childless(x));
  };
  const grow = (policy: string, parent: Node, expected = [policy]): void => {
    tree.push({ policy, expected, parent, depth: parent.depth + 1 });
  };

  for (const [index, says] of path.entries()) {
    const i = index + 1;
    const selfIssued = says.selfIssued === true;
    if (says.policies === undefined) tree = [];
    for (const policy of (says.policies ?? []).filter((one) => one !== any)) {
      const parents = at(i - 1).filter(({ expected }) => expected.includes(policy));
      const anys = at(i - 1).filter((node) => node.policy === any);
      for (const parent of parents.length > 0 ? parents : anys) grow(policy, parent);
    }
    if (says.policies?.includes(any) === true && (inhibitAny > 0 || (i < n && selfIssued))) {
      for (const parent of at(i - 1)) {
        for (const policy of parent.expected) {
          if (!tree.some((x) => x.parent === parent && x.policy === policy)) grow(policy, parent);
        }
      }
    }
    prune(i - 1);
    if (explicitPolicy === 0 && tree.length === 0) return undefined;
    if (i === n) break;

    const map = says.map ?? [];
    for (const issuer of new Set(map.map(([from]) => from))) {
      const subjects = map.filter(([from]) => from === issuer).map(([, to]) => to);
      if (policyMapping > 0) {
        const nodes = at(i).filter(({ policy }) => policy === issuer);
        for (const node of nodes) node.expected = subjects;
        const wild = at(i).find(({ policy }) => policy === any);
        if (nodes.length === 0 && wild !== undefined) grow(issuer, wild.parent!, subjects);
      } else {
        tree = tree.filter(({ policy, depth }) => depth !== i || policy !== issuer);
        prune(i - 1);
      }
    }
    if (!selfIssued) {
      explicitPolicy = Math.max(0, explicitPolicy - 1);
      policyMapping = Math.max(0, policyMapping - 1);
      inhibitAny = Math.max(0, inhibitAny - 1);
    }
    explicitPolicy = Math.min(explicitPolicy, says.requireExplicit ?? Infinity);
    policyMapping = Math.min(policyMapping, says.inhibitMapping ?? Infinity);
    inhibitAny = Math.min(inhibitAny, says.inhibitAny ?? Infinity);
  }

  explicitPolicy = Math.max(0, explicitPolicy - 1);
  if (path.at(-1)!.requireExplicit === 0) explicitPolicy = 0;
  const roots = tree.filter(({ parent }) => parent?.policy === any);
  const valid = new Set(
    roots.filter(({ policy, depth }) => policy !== any || depth === n).map(({ policy }) => policy),
  );
  const { initial = [any] } = options;
  const answer = initial.includes(any)
    ? [...valid]
    : initial.filter((policy) => valid.has(policy) || valid.has(any));
  return explicitPolicy === 0 && answer.length === 0 ? undefined : answer.sort();
}
