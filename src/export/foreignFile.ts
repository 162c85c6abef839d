/** What a file is that was taken for safetensors: the first bytes tell, and decide what to advise. */

interface Kind {
  /** The bytes that such files begin with, as Latin-1. */
  readonly magic: string;
  readonly is: string;
}

const KINDS: readonly Kind[] = [
  { magic: 'PK\x03\x04', is: "a zip archive, as PyTorch's .pt and .bin files are" },
  { magic: '\x80\x02', is: 'a Python pickle, which could run code when read' },
  { magic: '\x80\x03', is: 'a Python pickle, which could run code when read' },
  { magic: '\x80\x04', is: 'a Python pickle, which could run code when read' },
  { magic: '\x80\x05', is: 'a Python pickle, which could run code when read' },
  { magic: 'GGUF', is: "a GGUF file, llama.cpp's format" },
  { magic: '\x89HDF', is: 'an HDF5 file, as Keras writes' },
  { magic: '\x93NUMPY', is: 'a NumPy array' },
  { magic: '\x1f\x8b', is: 'a gzip archive' },
  {
    magic: 'version https://git-lfs',
    is: 'a Git LFS pointer that stands for the file; fetch the file itself with `git lfs pull`',
  },
  { magic: '<', is: 'an HTML or XML page, perhaps the error page of a failed download' },
  { magic: '{', is: 'JSON text' },
];

/** Enough to hold every magic, and to judge whether a file is text. */
const PEEK_BYTES = 64;

/**
 * Names the format of a file by its first bytes; undefined where nothing is recognised. Ask only about a file that has
 * already failed as safetensors: a header of 640 bytes begins as a pickle does.
 */
export function recognizeForeign(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, PEEK_BYTES));
  const kind = KINDS.find(({ magic }) => head.startsWith(magic));
  if (kind) return kind.is;
  return /^[\t\n\r\x20-\x7e]+$/.test(head) ? 'plain text' : undefined;
}
