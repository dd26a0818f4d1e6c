// Structured fields (RFC 9651 section 4.2), all of them, read from left to right in one pass.
import { AuthError } from '../../errors.ts';
import { Scanner } from './scanner.ts';
import type { BareItem, Dictionary, InnerList, Item, List, Member, Parameters } from './values.ts';

export interface ParseOptions {
  /** What the messages call the field. @defaultValue "the field" */
  readonly name?: string;
  /**
   * What a key that comes twice does. The RFC lets the last one win, and then two readers may see two
   * values: whoever relies on the field refuses it.
   *
   * @defaultValue 'refuse'
   */
  readonly duplicates?: 'refuse' | 'last';
  /** How many characters the field may have. @defaultValue 131,072, more than RFC 9651 asks for */
  readonly maxLength?: number;
  /** How many members the List or Dictionary may have. @defaultValue 1024, as RFC 9651 asks for */
  readonly maxMembers?: number;
}

/** One line of a field, or all of them in their order. */
export type FieldLines = string | readonly string[];

// RFC 9651 sections 3.1.1 and 3.1.2 ask for as many.
const maxItems = 256;
const maxParameters = 256;

const none: Parameters = new Map();

/**
 * Reads a Dictionary; a field without a line is an empty one.
 *
 * @throws AuthError `ERR_FIELD_MALFORMED`
 */
export function parseDictionary(lines: FieldLines, options: ParseOptions = {}): Dictionary {
  return new Parser(lines, options).dictionary();
}

/** Reads a List; a field without a line is an empty one. @throws AuthError `ERR_FIELD_MALFORMED` */
export function parseList(lines: FieldLines, options: ParseOptions = {}): List {
  return new Parser(lines, options).list();
}

/** Reads an Item. @throws AuthError `ERR_FIELD_MALFORMED` */
export function parseItem(lines: FieldLines, options: ParseOptions = {}): Item {
  return new Parser(lines, options).onlyItem();
}

class Parser extends Scanner {
  readonly #lastWins: boolean;
  readonly #maxMembers: number;

  constructor(lines: FieldLines, options: ParseOptions) {
    const { name = 'the field', duplicates, maxLength = 131_072, maxMembers = 1024 } = options;
    const text = typeof lines === 'string' ? lines : lines.join(', ');
    super(text, name);
    this.#lastWins = duplicates === 'last';
    this.#maxMembers = maxMembers;
    if (text.length > maxLength) {
      const reason = `${name} is longer than ${maxLength} characters`;
      throw new AuthError('ERR_FIELD_TOO_LARGE', reason);
    }
  }

  dictionary(): Dictionary {
    const members = new Map<string, Member>();
    this.skipSpaces();
    while (!this.done) {
      const key = this.key();
      // Where the last one wins, it does so in the place of the first.
      if (members.has(key)) this.#refuseDuplicate();
      else if (members.size === this.#maxMembers) this.fail('has too many members');
      if (this.skip('=')) members.set(key, this.#member());
      else members.set(key, { value: true, parameters: this.#parameters() });
      if (!this.#comma()) break;
    }
    return members;
  }

  list(): List {
    const members: Member[] = [];
    this.skipSpaces();
    while (!this.done) {
      if (members.length === this.#maxMembers) this.fail('has too many members');
      members.push(this.#member());
      if (!this.#comma()) break;
    }
    return members;
  }

  onlyItem(): Item {
    this.skipSpaces();
    const item = this.#item();
    this.skipSpaces();
    if (!this.done) this.fail('goes on after its end');
    return item;
  }

  /** Whether another member follows. */
  #comma(): boolean {
    this.skipBlanks();
    if (this.done) return false;
    if (!this.skip(',')) this.fail('has something other than a comma behind a member');
    this.skipBlanks();
    if (this.done) this.fail('ends with a comma');
    return true;
  }

  #member(): Member {
    return this.next === '(' ? this.#innerList() : this.#item();
  }

  #innerList(): InnerList {
    this.skip('(');
    const items: Item[] = [];
    for (;;) {
      this.skipSpaces();
      if (this.skip(')')) return { items, parameters: this.#parameters() };
      if (items.length === maxItems) this.fail('has a list that is too long');
      items.push(this.#item());
      const next = this.next;
      if (next !== ' ' && next !== ')') this.fail('has a list without an end');
    }
  }

  #item(): Item {
    return { value: this.bareItem(), parameters: this.#parameters() };
  }

  #parameters(): Parameters {
    if (this.next !== ';') return none;
    const parameters = new Map<string, BareItem>();
    while (this.skip(';')) {
      this.skipSpaces();
      const key = this.key();
      if (parameters.has(key)) this.#refuseDuplicate();
      else if (parameters.size === maxParameters) this.fail('has too many parameters');
      parameters.set(key, this.skip('=') ? this.bareItem() : true);
    }
    return parameters;
  }

  #refuseDuplicate(): void {
    if (!this.#lastWins) this.fail('has a key twice');
  }
}
