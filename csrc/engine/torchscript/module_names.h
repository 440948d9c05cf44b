#pragma once

namespace llm2clip {

// Attributes that tell a session that a file is of the native flavour, and what to do when it loads
// it.
inline constexpr const char* kLinearWeights = "linear_weights";  // to be repacked
inline constexpr const char* kInt8Weights = "int8_weights";      // to be repacked, with scales
inline constexpr const char* kTables = "tables";                 // stay as they are stored
inline constexpr const char* kTokens = "tokens";                 // number of tokens of an image
// A method beside forward: (pixel_values, layer) → the output of this layer, [B, patches, D] f32.
// For kEmbeddingSpace: patches in the space of the embeddings, [B, patches, E].
inline constexpr const char* kPatches = "patches";

}  // namespace llm2clip
