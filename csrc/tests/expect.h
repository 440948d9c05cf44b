#pragma once

#include <cstdio>
#include <initializer_list>

// A minimal test framework for csrc. A failed check is printed and counted, and the program's exit
// code reports failures.
namespace llm2clip::testing {

inline int failures = 0;

inline void check(bool holds, const char* text, const char* file, int line) {
  if (holds) return;
  ++failures;
  std::printf("FAILED %s:%d: %s\n", file, line, text);
}

inline int exit_code() { return failures == 0 ? 0 : 1; }

struct Test {
  const char* name;
  void (*run)();
};

// Runs each test, prints one line for each, and returns the program's exit code.
inline int run_tests(std::initializer_list<Test> tests) {
  for (const Test& test : tests) {
    const int before = failures;
    test.run();
    std::printf("%s %s\n", failures == before ? "ok" : "FAILED", test.name);
    std::fflush(stdout);
  }
  return exit_code();
}

}  // namespace llm2clip::testing

#define EXPECT(condition) \
  ::llm2clip::testing::check(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
