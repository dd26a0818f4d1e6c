import { ConfigError } from '../errors.ts';
import { type Matcher, type OneOf, compileMatch } from '../identity-match.ts';
import { checkOptions, suggestion } from '../options.ts';
import { type ServedAuthority, checkOrigin } from '../served-authority.ts';
import { AddressList } from './address-list.ts';
import { isCertificateField, sameName } from './known-fields.ts';
import type { PresetName, TrustedProxy } from './options.ts';
import { type Preset, presets } from './presets.ts';
import { ProxySignature } from './proxy-signature.ts';

const optionNames = [
  'preset',
  'addresses',
  'peer',
  'signature',
  'header',
  'chain',
  'verdict',
  'hops',
  'by',
  'clientAddress',
  'publicOrigin',
] as const satisfies readonly (keyof TrustedProxy)[];

/** A header field that a proxy writes. */
export interface Field {
  /** In lower case. */
  readonly name: string;
  /** What its twins have in common (see `sameName`). */
  readonly spelling: string;
}

/** A `TrustedProxy`, checked and complete. */
export interface Statement {
  /** Who is believed: exactly one of the three. */
  readonly addresses: AddressList | undefined;
  readonly peer: Matcher | undefined;
  readonly signature: ProxySignature | undefined;
  readonly preset: Preset;
  readonly header: Field;
  readonly chain: readonly Field[];
  readonly verdict: Field | undefined;
  /** All three: the fields that only this proxy may write. */
  readonly fields: readonly Field[];
  readonly hops: number;
  readonly by: readonly string[] | undefined;
  readonly clientAddress: string | undefined;
  readonly publicOrigin: ServedAuthority | undefined;
}

/** @throws ConfigError */
export function checkStatement(path: string, given: unknown): Statement {
  const options = checkOptions(path, given as TrustedProxy, optionNames);
  const { addresses, peer, signature, hops = 1, by, publicOrigin } = options;
  const preset = presetOf(`${path}.preset`, options.preset);
  if ([addresses, peer, signature].filter((one) => one !== undefined).length !== 1) {
    throw new ConfigError(
      path,
      'must say which sender is believed, in one way: `addresses`, `peer` or `signature`',
    );
  }
  if (!Number.isInteger(hops) || hops < 1 || hops > 16) {
    throw new ConfigError(`${path}.hops`, 'must be a whole number from 1 to 16');
  }
  if (by !== undefined && preset.decoder !== 'xfcc') {
    throw new ConfigError(`${path}.by`, 'is for x-forwarded-client-cert only; leave it out');
  }
  const { header = preset.header, chain = preset.chain, verdict = preset.verdict } = options;
  if (header === undefined) {
    throw new ConfigError(
      `${path}.header`,
      `must name the field that your proxy writes; "${options.preset}" has none of its own`,
    );
  }
  if (options.chain !== undefined && preset.chainDecoder === undefined) {
    throw new ConfigError(
      `${path}.chain`,
      `"${options.preset}" has the chain in \`header\`; leave it out`,
    );
  }
  const leafField = fieldOf(`${path}.header`, header);
  const chainFields = texts(`${path}.chain`, chain ?? []).map((one) =>
    fieldOf(`${path}.chain`, one),
  );
  const verdictField = verdict === undefined ? undefined : fieldOf(`${path}.verdict`, verdict);
  const fields = [leafField, ...chainFields, ...(verdictField === undefined ? [] : [verdictField])];
  const clientAddress =
    options.clientAddress === undefined
      ? undefined
      : addressField(`${path}.clientAddress`, options.clientAddress);
  checkDistinct(path, clientAddress === undefined ? fields : [...fields, clientAddress]);
  return {
    addresses:
      addresses === undefined ? undefined : new AddressList(`${path}.addresses`, addresses),
    peer: peer === undefined ? undefined : compileMatch(`${path}.peer`, peer),
    signature:
      signature === undefined ? undefined : new ProxySignature(`${path}.signature`, signature),
    preset,
    header: leafField,
    chain: chainFields,
    verdict: verdictField,
    fields,
    hops,
    by: by === undefined ? undefined : texts(`${path}.by`, by),
    clientAddress: clientAddress?.name,
    publicOrigin:
      publicOrigin === undefined ? undefined : checkOrigin(`${path}.publicOrigin`, publicOrigin),
  };
}

function presetOf(path: string, name: unknown): Preset {
  if (typeof name === 'string' && Object.hasOwn(presets, name)) return presets[name as PresetName];
  throw new ConfigError(
    path,
    `must name a proxy.${suggestion(String(name), Object.keys(presets))}`,
  );
}

function texts(path: string, value: OneOf): readonly string[] {
  const list: readonly unknown[] = [value].flat();
  for (const one of list) {
    if (typeof one !== 'string' || one === '') {
      throw new ConfigError(path, 'must be a string or a list of strings');
    }
  }
  return list as readonly string[];
}

/** Fields that say something else, and of which every request has one. */
const otherwiseUsed: ReadonlySet<string> = new Set([
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'],
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'origin',
  'transfer-encoding',
  'upgrade',
]);

function fieldOf(path: string, name: unknown): Field {
  const field = anyField(path, name);
  if (otherwiseUsed.has(field.name)) {
    throw new ConfigError(path, `"${field.name}" says something else; name a field of its own`);
  }
  return field;
}

function addressField(path: string, name: unknown): Field {
  const field = anyField(path, name);
  if (field.name === 'forwarded' || isCertificateField(field.spelling)) {
    throw new ConfigError(path, 'must be a list of addresses alone, such as "x-forwarded-for"');
  }
  return field;
}

function anyField(path: string, name: unknown): Field {
  const lower = typeof name === 'string' ? name.toLowerCase() : '';
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower)) {
    throw new ConfigError(path, 'must be the name of a header field, such as "x-ssl-client-cert"');
  }
  return { name: lower, spelling: sameName(lower) };
}

function checkDistinct(path: string, fields: readonly Field[]): void {
  if (new Set(fields.map(({ spelling }) => spelling)).size === fields.length) return;
  throw new ConfigError(path, 'names one field twice; each of them says one thing');
}
