// What the signature of a response covers, ready for a signature base.
import { type Component, parseComponent } from '../../http/message-signatures/components.ts';
import type { ProvableResponse } from '../../proof.ts';
import { type Coverable, type RequestSignature, responseCoverage } from './coverage.ts';

/** The digest is covered where it is: in the head, in the trailers, or not at all. */
export function coveredComponents(
  request: Coverable,
  signature: RequestSignature | undefined,
  response: ProvableResponse,
): readonly Component[] {
  if (signature !== undefined) return componentsFor(request, signature, response);
  const key = keyOf(request, response);
  let components = known.get(key);
  if (components === undefined) {
    components = componentsFor(request, undefined, response);
    if (known.size < maxKnown) known.set(key, components);
  }
  return components;
}

// Most responses of a service are alike in which fields they have. Which of them count, the coverage says
// itself, by asking for them.
const ofResponse: string[] = [];
const ofRequest: string[] = [];
responseCoverage({ has: asking(ofResponse) }, true, { has: asking(ofRequest) }, undefined);

function asking(names: string[]) {
  return (name: string): boolean => {
    names.push(name);
    return false;
  };
}

const known = new Map<number, readonly Component[]>();
const maxKnown = 256;
const places = ['head', 'trailers', 'nowhere'] as const;

function keyOf(request: Coverable, { hasContent, digest, lines }: ProvableResponse): number {
  let key = places.indexOf(digest) * 2 + (hasContent ? 1 : 0);
  for (const name of ofResponse) key = key * 2 + (lines(name).length > 0 ? 1 : 0);
  for (const name of ofRequest) key = key * 2 + (request.has(name) ? 1 : 0);
  return key;
}

function componentsFor(
  request: Coverable,
  signature: RequestSignature | undefined,
  { hasContent, digest, lines }: ProvableResponse,
): readonly Component[] {
  const fields = { has: (name: string) => lines(name).length > 0 };
  const components: Component[] = [];
  for (const id of responseCoverage(fields, hasContent, request, signature)) {
    if (id !== 'content-digest' || digest === 'head') components.push(componentOf(id));
    else if (digest === 'trailers') components.push(componentOf(`${id};tr`));
  }
  return components;
}

function componentOf(id: string): Component {
  return parseComponent(id, 'components');
}
