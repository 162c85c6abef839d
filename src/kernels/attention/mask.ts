/**
 * WGSL of who sees whom: the query of row r sees the keys before `seen(r)`, and the key of row r is seen by the queries from
 * `seenFrom(r)` on. Where sequences are `padded` and have lengths, what stands at and past `tokens` neither sees nor is seen.
 * That is compiled in: without lengths nothing is paid for them.
 */
export function maskOf(padded: boolean) {
  const unlessPadding = (r: number, value: string, otherwise: string): string =>
    padded ? `select(${value}, ${otherwise}, t${r} >= tokens)` : value;
  /** A loop is over at once where all owned rows are padding. */
  const end = (value: string): string => (padded ? `select(${value}, 0u, first >= tokens)` : value);
  return {
    tokens: `let tokens = ${padded ? 'min(lengths[group.z], params.T)' : 'params.T'};`,
    seen: (r: number): string => unlessPadding(r, `select(tokens, t${r} + 1u, params.causal == 1u)`, '0u'),
    seenFrom: (r: number): string => unlessPadding(r, `select(0u, t${r}, params.causal == 1u)`, 'tokens'),
    /** Where the loop over keys ends, for a workgroup that owns so many queries. */
    lastKey: (owned: number): string => end(`select(tokens, min(tokens, first + ${owned}u), params.causal == 1u)`),
    /** Where the loop over queries ends. */
    lastQuery: end('tokens'),
    unlessPadding,
  };
}
