#pragma once

namespace llm2clip {

// Attributes by which a session knows the native flavour and what to do when it loads a file.
inline constexpr const char* kLinearWeights = "linear_weights";  // to be repacked
inline constexpr const char* kInt8Weights = "int8_weights";      // likewise; each has …_scales
inline constexpr const char* kTables = "tables";                 // kept as they are stored
inline constexpr const char* kTokens = "tokens";                 // of a picture
inline constexpr const char* kObserved = "observed";             // linears, by their weights' names
// A method beside forward: (pixel_values, layer) → [B, patches, D] f32, what leaves this layer; of
// a number that is none, [B, patches, E] in the space of the embeddings.
inline constexpr const char* kPatches = "patches";

}  // namespace llm2clip
