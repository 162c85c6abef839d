/**
 * GELU in the tanh approximation that GPT-2 uses: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
 * (Hendrycks and Gimpel, "Gaussian error linear units", 2016). Here once, for WGSL and for the float64 references.
 */
export const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
export const CUBIC = 0.044715;

/**
 * WGSL for `gelu(x)` and `geluSlope(x)`, its derivative, of a type: f32 or a vector of it.
 *
 * With (1 + tanh u) / 2 = 1 / (1 + exp(-2u)) it takes one exp and one division, in place of the two exps that drivers make
 * of tanh. At x = +-10 the factor is 0 or 1 to f32, so z is clamped there and exp stays below 1e38. The slope takes
 * 1 - s as e * s, which does not cancel.
 */
export const geluWgsl = (type: string): string => /* wgsl */ `
fn geluExp(z: ${type}) -> ${type} { return exp(${-2 * SQRT_2_OVER_PI} * (z + ${CUBIC} * z * z * z)); }
fn gelu(x: ${type}) -> ${type} { return x / (1.0 + geluExp(clamp(x, ${type}(-10.0), ${type}(10.0)))); }
fn geluSlope(x: ${type}) -> ${type} {
  let z = clamp(x, ${type}(-10.0), ${type}(10.0));
  let e = geluExp(z);
  let s = 1.0 / (1.0 + e);
  return s + z * s * (e * s) * ${2 * SQRT_2_OVER_PI} * (1.0 + ${3 * CUBIC} * z * z);
}
`;

/** GELU in float64. */
export const geluValue = (x: number): number => 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + CUBIC * x ** 3)));
