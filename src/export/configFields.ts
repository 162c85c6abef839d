import { UserError } from '../errors.ts';

/** The fields of a JSON object from elsewhere, read one by one with what is expected of each. Absent and null are the same. */
export class ConfigFields {
  private readonly json: Record<string, unknown>;

  /** @throws UserError when it is not an object */
  constructor(
    json: unknown,
    private readonly fileName: string,
  ) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new UserError(`${fileName} must hold a JSON object that describes a model; choose a model's config.json.`);
    }
    this.json = json as Record<string, unknown>;
  }

  /** Own fields only, so that a name such as `constructor` finds nothing. */
  get(name: string): unknown {
    return Object.hasOwn(this.json, name) ? (this.json[name] ?? undefined) : undefined;
  }

  /** A whole number from 1 to `max`. @throws UserError when it is something else, or absent without a fallback */
  count(name: string, max: number, fallback?: number): number {
    const value = this.get(name) ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max) {
      throw this.unexpected(name, `a whole number from 1 to ${max.toLocaleString('en')}`);
    }
    return value;
  }

  /** A number within [min, max]. @throws UserError when it is something else */
  number(name: string, min: number, max: number, fallback: number): number {
    const value = this.get(name) ?? fallback;
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      throw this.unexpected(name, `a number from ${min} to ${max}`);
    }
    return value;
  }

  /** @throws UserError when it is neither true nor false */
  flag(name: string, fallback: boolean): boolean {
    const value = this.get(name) ?? fallback;
    if (typeof value !== 'boolean') throw this.unexpected(name, 'true or false');
    return value;
  }

  /** Makes sure of a field that changes what the model computes in a way that is not built here. @throws UserError */
  require(name: string, supported: readonly unknown[]): void {
    const value = this.get(name);
    if (value === undefined || supported.includes(value)) return;
    throw this.unexpected(name, supported.map((one) => JSON.stringify(one)).join(' or '));
  }

  private unexpected(name: string, expected: string): UserError {
    const value = this.get(name);
    const got = value === undefined ? 'is missing' : `is ${shorten(JSON.stringify(value))}`;
    return new UserError(
      `${this.fileName}: ${name} ${got}, but ${expected} is needed; this model cannot be loaded here.`,
    );
  }
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
