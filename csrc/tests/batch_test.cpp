// Tests the inputs of a run: texts in a list, in slots, as padded rows and packed for a GPU; and
// the rounding of a language model's feature before the adapter.
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/float_convert.h"
#include "batch/packed_texts.h"
#include "batch/text_list.h"
#include "batch/text_memory.h"
#include "batch/text_rows.h"
#include "expect.h"

namespace llm2clip::testing {
namespace {

using Ids = std::vector<int32_t>;
using Numbers = std::vector<int64_t>;

constexpr int32_t kLargest = std::numeric_limits<int32_t>::max();

template <typename Body>
std::string code_of(const Body& body) {
  try {
    body();
    return "none";
  } catch (const Error& error) {
    return name(error.code());
  }
}

Ids text(const Texts& texts, int64_t i) {
  const auto ids = texts.text(i);
  return {ids.begin(), ids.end()};
}

void test_list() {
  TextList list;
  EXPECT(list.view().count() == 0);
  list.add(Ids{7, 8}, 1);
  list.add(Ids{4, 5, kLargest}, 3);
  list.add(Ids{9}, 1);
  const Texts texts = list.view();
  EXPECT(texts.count() == 3 && texts.longest() == 3 && texts.tokens().size() == 6);
  EXPECT(text(texts, 0) == (Ids{7, 8}) && text(texts, 1) == (Ids{4, 5, kLargest}));
  const Texts last = texts.some(1, 2);
  EXPECT(last.count() == 2 && text(last, 0) == text(texts, 1) && text(last, 1) == Ids{9});
  EXPECT(last.tokens().size() == 4 && last.pooled[0] == 3);
  EXPECT(count_of(some_of(BatchView(texts), 2, 1)) == 1);
  list.clear();
  EXPECT(list.view().count() == 0 && list.view().tokens().empty());
}

void test_memory() {
  TextMemory memory(4, 3);
  memory.write(2, Ids{1, 2, 3}, 2);
  memory.write(0, Ids{4}, 1);
  memory.write(1, Ids{5, 6}, 2);
  const Texts all = memory.view(0, 3);
  EXPECT(text(all, 0) == Ids{4} && text(all, 1) == (Ids{5, 6}) && text(all, 2) == (Ids{1, 2, 3}));
  EXPECT(all.pooled[2] == 2);
  memory.move(2, 0);
  memory.write(2, Ids{8}, 1);
  EXPECT(text(memory.view(0, 1), 0) == (Ids{1, 2, 3}));
  EXPECT(text(memory.view(1, 2), 1) == Ids{8});
  const auto refused = [&](const Ids& ids, int64_t pooled) {
    return code_of([&] { memory.write(3, ids, pooled); }) == "ERR_INVALID_ARG";
  };
  EXPECT(refused({}, 0) && refused({1, 2, 3, 4}, 1));
  EXPECT(refused({1, 2}, 0) && refused({1, 2}, 3) && refused({-1}, 1));
}

// Writes texts of 2 and 3 tokens as rows of 4, with one more row after them. Old content is
// overwritten.
void test_rows() {
  TextList list;
  list.add(Ids{7, 8}, 1);
  list.add(Ids{4, 5, kLargest}, 3);
  Numbers ids(12, 9), attention_mask(12, 9), pool_mask(12, 9);
  write_text_rows(list.view(), {3, 4, ids, attention_mask, pool_mask});
  EXPECT(ids == (Numbers{0, 0, 7, 8, 0, 4, 5, kLargest, 0, 0, 0, 0}));
  EXPECT(attention_mask == (Numbers{0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1}));
  EXPECT(pool_mask == (Numbers{0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 1}));
}

// Packs some of the texts of a batch, whose offsets do not begin at 0.
void test_packed() {
  TextList list;
  list.add(Ids{1}, 1);
  list.add(Ids{7, 8}, 1);
  list.add(Ids{4, 5, 6}, 3);
  const Texts texts = list.view().some(1, 2);
  const PackedTexts size = packed_size(texts);
  EXPECT(size.texts == 2 && size.tokens == 5 && size.longest == 3);
  Ids packed(static_cast<size_t>(size.numbers()), -1);
  pack_texts(texts, packed);
  EXPECT(packed == (Ids{7, 8, 4, 5, 6, 0, 1, 0, 1, 2, 0, 2, 5, 1, 3}));
  EXPECT(code_of([&] { check_ids(texts, 9); }) == "none");
  EXPECT(code_of([&] { check_ids(texts, 8); }) == "ERR_ENGINE_INCOMPATIBLE");
  EXPECT(code_of([&] { check_ids(list.view().some(0, 1), 2); }) == "none");
}

// Checks rounding by the definition of bf16: 8 bits of precision, ties to even.
void test_rounding() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<std::pair<float, float>> cases{{0.0F, 0.0F},
                                                   {1.0F, 1.0F},
                                                   {1 + 0x1p-8F, 1.0F},
                                                   {1 + 0x1p-8F + 0x1p-20F, 1 + 0x1p-7F},
                                                   {-1 - 3 * 0x1p-8F, -1 - 0x1p-6F},
                                                   {3.4e38F, kInfinity},
                                                   {-kInfinity, -kInfinity}};
  for (const auto& [from, to] : cases) {
    float found = from;
    round_to_bf16(&found, &found, 1);
    EXPECT(found == to);
  }
  float zero = -0.0F;
  round_to_bf16(&zero, &zero, 1);
  EXPECT(zero == 0 && std::signbit(zero));
  for (const uint32_t bits : {0x7fffffffU, 0xffffffffU, 0x7f800001U, 0xffc00000U}) {
    const auto nan = std::bit_cast<float>(bits);
    float found = 0;
    round_to_bf16(&nan, &found, 1);
    EXPECT(std::bit_cast<uint32_t>(found) == 0x7fc00000U);
  }
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"list", test_list},
                    {"memory", test_memory},
                    {"rows", test_rows},
                    {"packed", test_packed},
                    {"rounding", test_rounding}});
}
