/** 16-bit floats to 32 bits; both conversions are exact. */

/** An IEEE 754 half: 1 sign, 5 exponent (bias 15) and 10 fraction bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** IEEE half-precision bits as numbers; there are only 65,536 of them, but a tensor may be smaller than that. */
export const fromF16 = (bits: Uint16Array): Float32Array => Float32Array.from(bits, halfToNumber);

/** bfloat16 is the upper half of a float32. */
export function fromBF16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}
