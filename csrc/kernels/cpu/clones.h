#pragma once

// Compiles a function for several instruction sets; the loader picks the best at run time. All that
// it calls is inlined: a function left outside is compiled once, for the least of them.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define LLM2CLIP_CLONES \
  __attribute__((flatten, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LLM2CLIP_CLONES
#endif
