import { UserError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';

/**
 * The entry of a model's style in a table of what a format has.
 * @throws UserError for a style that is not in it: a format that took it for another would hold a model that computes something else
 */
export function knownStyle<T>(styles: Readonly<Record<string, T>>, { style }: ModelConfig, format: string): T {
  if (Object.hasOwn(styles, style)) return styles[style];
  throw new UserError(`${format} has no models of the ${style} style, only of ${Object.keys(styles).join(' and ')}`);
}
