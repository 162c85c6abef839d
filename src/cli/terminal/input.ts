import { readTextStream } from '../../node/files.ts';
import { utf8Chunks } from '../../text/windows/stream.ts';

/** All of a file (of a folder's text files) or of standard input, '-', as text. @throws UserError when it is missing, empty or no UTF-8 */
export async function readText(path: string): Promise<string> {
  let text = '';
  for await (const chunk of utf8Chunks(readTextStream(path), path === '-' ? 'standard input' : path)) text += chunk;
  return text;
}
