/**
 * GELU in the tanh approximation that GPT-2 uses: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
 * (Hendrycks and Gimpel, "Gaussian error linear units", 2016). Here once, for WGSL and for the float64 references.
 */
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** `gelu(x)` and `geluSlope(x)`, its derivative. The argument of tanh is clamped: some drivers compute it through exp and overflow. */
export const GELU_WGSL = /* wgsl */ `
fn geluTanh(x: f32) -> f32 { return tanh(clamp(${SQRT_2_OVER_PI} * (x + ${CUBIC} * x * x * x), -10.0, 10.0)); }
fn gelu(x: f32) -> f32 { return 0.5 * x * (1.0 + geluTanh(x)); }
fn geluSlope(x: f32) -> f32 {
  let t = geluTanh(x);
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * ${SQRT_2_OVER_PI} * (1.0 + ${3 * CUBIC} * x * x);
}
`;

/** GELU in float64. */
export const geluValue = (x: number): number => 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + CUBIC * x ** 3)));
