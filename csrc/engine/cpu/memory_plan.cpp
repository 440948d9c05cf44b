#include "engine/cpu/memory_plan.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "engine/cpu/alignment.h"

namespace llm2clip::cpu {
namespace {

// More numbers than any machine holds. Sums of sizes below it do not overflow.
constexpr int64_t kMostNumbers = int64_t{1} << 40;

// The steps that write and last read the value.
struct Lifetime {
  size_t begin = std::numeric_limits<size_t>::max(), end = 0;
  // The value whose memory this one takes over, or −1.
  int32_t heir_of = -1;
};

class Lifetimes : public IgnoresOtherFields {
 public:
  explicit Lifetimes(size_t values) : of_(values) {}

  void next_step() { ++step_; }
  void reads(ValueId id) { at(id).end = step_; }
  void writes(ValueId id) { at(id).begin = at(id).end = step_; }
  void reuses(ValueId out, ValueId in) { wishes_.push_back({out, in, step_}); }

  // Merges the values whose memory can pass on: the step that writes one is the last to read the
  // other. The heir's lifetime then counts from the first value on.
  void merge(const std::vector<size_t>& sizes) {
    for (const auto& [out, in, step] : wishes_) {
      const bool is_written_here = at(in).begin != std::numeric_limits<size_t>::max();
      if (!is_written_here || at(in).end != step || at(out).end < step) continue;
      if (sizes[place(out)] != sizes[place(in)]) continue;
      at(out).heir_of = in.place;
    }
  }

  Lifetime& at(ValueId id) { return of_[place(id)]; }
  const std::vector<Lifetime>& all() const { return of_; }

  // The value whose place this one takes in the end.
  size_t first_owner(size_t value) const {
    while (of_[value].heir_of >= 0) value = static_cast<size_t>(of_[value].heir_of);
    return value;
  }

 private:
  struct Wish {
    ValueId out, in;
    size_t step;
  };
  static size_t place(ValueId id) { return static_cast<size_t>(id.place); }

  std::vector<Lifetime> of_;
  std::vector<Wish> wishes_;
  size_t step_ = 0;
};

// A piece of memory that is in use during some steps.
struct Block {
  size_t value, bytes, begin, end;
  size_t offset = 0;
};

bool meet(const Block& a, const Block& b) { return a.begin <= b.end && b.begin <= a.end; }

// Puts a block at the lowest place that is free during its lifetime.
void place(Block& block, std::vector<Block>& placed) {
  size_t offset = 0;
  // `placed` is in the order of offsets.
  for (const Block& other : placed) {
    if (!meet(block, other)) continue;
    if (offset + block.bytes <= other.offset) break;
    offset = std::max(offset, other.offset + other.bytes);
  }
  block.offset = offset;
  placed.insert(std::ranges::upper_bound(placed, offset, {}, &Block::offset), block);
}

}  // namespace

size_t bytes_of(const PlanValue& value, const RowCounts& counts, Element compute) {
  const Element element = value.numbers == Numbers::kF32 ? Element::kF32 : compute;
  const int64_t rows = counts.of(value.rows);
  if (rows > kMostNumbers / value.width) {
    throw Error(ErrorCode::kOutOfMemory, "expected memory for " + std::to_string(rows) + " times " +
                                             std::to_string(value.width) + " numbers");
  }
  return static_cast<size_t>(rows * value.width) * size_of(element);
}

// Places large blocks first, as they are the hardest to fit.
MemoryPlan plan_memory(const Plan& plan, const Program& program, const RowCounts& counts,
                       Element compute) {
  std::vector<size_t> sizes;
  for (const PlanValue& value : plan.values) {
    sizes.push_back(aligned(bytes_of(value, counts, compute)));
  }
  Lifetimes lifetimes(plan.values.size());
  for (Step step : program.steps) {
    std::visit([&](auto& one) { one.visit(lifetimes); }, step);
    lifetimes.next_step();
  }
  lifetimes.reads(program.output);
  lifetimes.merge(sizes);

  std::vector<Block> blocks(plan.values.size());
  for (size_t value = 0; value < blocks.size(); ++value) {
    const Lifetime& own = lifetimes.all()[value];
    if (own.begin == std::numeric_limits<size_t>::max()) continue;
    Block& block = blocks[lifetimes.first_owner(value)];
    if (block.bytes == 0) block = {lifetimes.first_owner(value), sizes[value], own.begin, own.end};
    block.begin = std::min(block.begin, own.begin);
    block.end = std::max(block.end, own.end);
  }
  std::vector<Block> wanted;
  std::ranges::copy_if(blocks, std::back_inserter(wanted), [](auto& block) { return block.bytes; });
  std::ranges::stable_sort(wanted, std::greater{}, &Block::bytes);

  MemoryPlan result{std::vector<size_t>(plan.values.size())};
  std::vector<Block> placed;
  for (Block& block : wanted) {
    place(block, placed);
    result.offsets[block.value] = block.offset;
    result.room = std::max(result.room, block.offset + block.bytes);
  }
  for (size_t value = 0; value < blocks.size(); ++value) {
    result.offsets[value] = result.offsets[lifetimes.first_owner(value)];
  }
  return result;
}

}  // namespace llm2clip::cpu
