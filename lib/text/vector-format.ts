/** Properties that all vectors of a file share. */
export interface VectorFormat {
  dim: number;
  /** sha256, in hex, of everything that the vectors depend on. */
  digest: string;
}
