import { readTextStream } from '../node/files.ts';
import { utf8Chunks } from '../text/stream.ts';

/** All of standard input as text. @throws UserError when it is empty or no UTF-8 */
export async function readStandardInput(): Promise<string> {
  let text = '';
  for await (const chunk of utf8Chunks(readTextStream('-'), 'standard input')) text += chunk;
  return text;
}
