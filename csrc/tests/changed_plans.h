#pragma once

#include <random>

#include "engine/cpu/plan.h"

namespace llm2clip::testing {

// Changes a plan in a few places: sizes, types, steps and their order. Most changes keep to what
// cpu::check() accepts, so that a run of the plan reaches the operations.
cpu::Plan changed_plan(const cpu::Plan& plan, std::mt19937& dice);

}  // namespace llm2clip::testing
