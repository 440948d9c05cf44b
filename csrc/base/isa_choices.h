#pragma once

#include <span>

#include "base/cpu_features.h"

namespace llm2clip {

// What cpu_isa() chooses from. Each architecture has a file that defines these functions.

struct IsaChoice {
  const char* name;
  Isa isa;
};

// The instruction sets of this architecture, from kGeneric on.
std::span<const IsaChoice> isa_choices();

// Whether this processor supports one of them.
bool has_isa(Isa isa);

// The fastest one that this processor supports.
Isa best_isa();

}  // namespace llm2clip
