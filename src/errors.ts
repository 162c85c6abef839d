/** Errors that are meant to be read by people: the command line prints the message (and no stack) and exits with `exitCode`. */
import { printable } from './quote.ts';

/**
 * Something went wrong that the user can mend: a bad file, no adapter, a full disk. Exit code 1. Whatever a file or a name brought
 * into the message, it steers no terminal.
 */
export class UserError extends Error {
  readonly exitCode: number = 1;
  override name = 'UserError';

  constructor(message: string, options?: ErrorOptions) {
    super(printable(message, '\n'), options);
  }
}

/** The command or a setting was used wrongly: an unknown preset, a flag out of range. Exit code 2. */
export class UsageError extends UserError {
  override readonly exitCode = 2;
  override name = 'UsageError';
}

/** The user stopped the work before there was anything to keep. Exit code that of the signal, which for Ctrl-C is 130. */
export class StoppedError extends UserError {
  override name = 'StoppedError';

  constructor(
    message: string,
    override readonly exitCode = 130,
  ) {
    super(message);
  }
}
