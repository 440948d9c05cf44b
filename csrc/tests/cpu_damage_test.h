#pragma once

#include <random>

namespace llm2clip::testing {

// Tests of files of the cpu engine that are damaged or made to do harm: they are refused, or run
// within their memory.

struct Damage {
  int files = 1500;
  std::mt19937 dice{1};
};
inline Damage damage;

// Plans that once led outside of memory or took forever.
void test_hostile_plans();
void test_hostile_observers();
void test_widths_of_smoothings();
void test_too_much_memory();
// Files with changed bytes, words and lines.
void test_damage();
// Files with changed plans that mostly pass the check.
void test_changed_plans();
void test_names_in_messages();
void test_cut_files();

}  // namespace llm2clip::testing
