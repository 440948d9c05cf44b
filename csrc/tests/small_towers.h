#pragma once

#include <string>
#include <vector>

#include "batch/input.h"
#include "model/tower.h"
#include "tests/numbered_weights.h"

namespace llm2clip::testing {

// A small network of each kind, with sizes that are multiples of nothing where the model allows it.
struct SmallTower {
  std::string name;
  TowerConfig config;
  Input input;
  Shapes shapes;
};

std::vector<SmallTower> small_towers();

}  // namespace llm2clip::testing
