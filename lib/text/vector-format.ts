/** What all vectors of a file have in common. */
export interface VectorFormat {
  dim: number;
  /** sha256, in hex, of all that vectors depend on. */
  digest: string;
}
