/** Cities with fewer inhabitants are left out: their names are often those of fields and hamlets. */
const LEAST_PEOPLE = 15_000;
const NAME = 2;
const POPULATION = 9;
const PLAIN = /^[A-Z][a-z]+(?: [A-Z][a-z]+)*$/;

/**
 * Names of larger cities in plain letters, from the package's file: protocol buffers one after the other, each behind its
 * length. Of the fields, 2 is the name and 9 the number of inhabitants.
 */
export function cityNames(bytes: Uint8Array): string[] {
  const names: string[] = [];
  const reader = new Reader(bytes);
  while (reader.at < bytes.length) {
    const end = reader.varint() + reader.at;
    let name = '';
    let people = 0;
    while (reader.at < end) {
      const tag = reader.varint();
      if (tag >>> 3 === NAME) name = reader.text();
      else if (tag >>> 3 === POPULATION) people = reader.varint();
      else reader.skip(tag & 7);
    }
    if (people >= LEAST_PEOPLE && PLAIN.test(name)) names.push(name);
  }
  return names;
}

/** The wire format of protocol buffers. */
class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Seven bits a byte, the lowest first; by multiplication, since numbers may be longer than 32 bits. */
  varint(): number {
    let value = 0;
    let scale = 1;
    while (this.#bytes[this.at] >= 128) {
      value += (this.#bytes[this.at++] & 127) * scale;
      scale *= 128;
    }
    return value + this.#bytes[this.at++] * scale;
  }

  text(): string {
    const length = this.varint();
    this.at += length;
    return new TextDecoder().decode(this.#bytes.subarray(this.at - length, this.at));
  }

  /** Wire types: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. */
  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 2) this.text();
    else this.at += wireType === 1 ? 8 : 4;
  }
}
