/** A kernel for each combination of compile-time sizes, made when it is first asked for. */
export function specialize<A extends readonly number[], K>(make: (...sizes: A) => K): (...sizes: A) => K {
  const made = new Map<string, K>();
  return (...sizes) => {
    const key = sizes.join();
    let kernel = made.get(key);
    if (!kernel) made.set(key, (kernel = make(...sizes)));
    return kernel;
  };
}
