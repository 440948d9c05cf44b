#pragma once

// Compiles a function for several instruction sets, of which the loader picks the best at run time.
// Everything that it calls is inlined, because a separate function would be compiled once, for the
// lowest instruction set.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define LLM2CLIP_CLONES \
  __attribute__((flatten, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LLM2CLIP_CLONES
#endif
