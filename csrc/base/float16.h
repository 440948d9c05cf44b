#pragma once

namespace llm2clip {

// The compiler's f16 numbers, for conversions. g++ 12 calls them _Float16 only on x86.
#if defined(__aarch64__)
using Float16 = __fp16;
#else
using Float16 = _Float16;
#endif

}  // namespace llm2clip
