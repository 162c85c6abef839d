/** The shape of a model: everything that fixes its parameters and what they compute. Field names follow nanoGPT. */
export interface ModelConfig {
  /** What its blocks compute: a name of styles.ts. */
  style: string;
  /** V: rows of the embedding, one a token id. */
  vocabSize: number;
  /** T: the longest context, in tokens. */
  blockSize: number;
  /** Transformer blocks. */
  nLayer: number;
  /** H: query heads of each attention; divides nEmbd. */
  nHead: number;
  /** Key and value heads, each shared by nHead / nKvHead query heads; nHead in styles without groups. */
  nKvHead: number;
  /** C: width of the residual stream. */
  nEmbd: number;
  /** Width of the MLP between its two matrices, or three with a gate; 4 nEmbd in GPT-2. */
  nHidden: number;
  /** Probability that an activation is dropped in training: of the embedding and of what each block adds. */
  dropout: number;
  /** Added to the variance in the norms. */
  normEps: number;
  /** Base of the rotary frequencies; unused where positions are learned. */
  ropeBase: number;
  /** Whether the output layer is the transposed token embedding. */
  tieEmbeddings: boolean;
  /** Whether linear layers and norms have biases, in styles that can. */
  bias: boolean;
}
