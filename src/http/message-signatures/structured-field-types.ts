/** What type of structured field a field is. */
export type StructuredFieldType = 'item' | 'list' | 'dictionary';

/** Types of structured fields by lower-case name. */
export type StructuredFieldTypes = Readonly<Record<string, StructuredFieldType>>;

// Those whose own RFC says so (9421, 9530, 9440, 9218, 9209, 9211, 8942, 9213).
const registered: StructuredFieldTypes = {
  'accept-ch': 'list',
  'accept-signature': 'dictionary',
  'cache-status': 'list',
  'cdn-cache-control': 'dictionary',
  'client-cert': 'item',
  'client-cert-chain': 'list',
  'content-digest': 'dictionary',
  priority: 'dictionary',
  'proxy-status': 'list',
  'repr-digest': 'dictionary',
  signature: 'dictionary',
  'signature-input': 'dictionary',
  'want-content-digest': 'dictionary',
  'want-repr-digest': 'dictionary',
};

/** The type of a field; undefined where nobody has said it. @param own types that a program adds */
export function structuredFieldType(
  name: string,
  own: StructuredFieldTypes | undefined,
): StructuredFieldType | undefined {
  if (own !== undefined && Object.hasOwn(own, name)) return own[name];
  return Object.hasOwn(registered, name) ? registered[name] : undefined;
}
