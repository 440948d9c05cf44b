#include "engine/cpu/data_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <numeric>
#include <string_view>

#include "base/error.h"
#include "base/output_file.h"
#include "engine/cpu/alignment.h"

namespace llm2clip::cpu {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

constexpr std::string_view kBegin = R"({"__metadata__":{"format":"llm2clip-cpu-1","plan":")";
constexpr std::string_view kNewLine = R"(\n)";  // as JSON spells it
constexpr uint64_t kMostHeader = 100'000'000;   // as in other readers of safetensors

const char* safetensors_name(WeightType type) {
  switch (type) {
    case WeightType::kF32: return "F32";
    case WeightType::kBf16: return "BF16";
    case WeightType::kF16: return "F16";
    case WeightType::kInt8: return "I8";
  }
  return "";
}

// The shape of the tensor as it lies in the file.
Shape stored_shape(const PlanTensor& tensor) {
  if (!tensor.in_panels) return tensor.shape;
  return {linear_panels(tensor.shape[0]), panel_groups(tensor.type, tensor.shape[1]), kTileColumns,
          4 / size_of(tensor.type)};
}

// No name has a character that JSON must escape: they are names of weights, which lib has checked.
void append_entry(std::string& header, const PlanTensor& tensor) {
  std::string shape;
  for (const int64_t size : stored_shape(tensor)) {
    shape += (shape.empty() ? "" : ",") + std::to_string(size);
  }
  header += ",\"" + tensor.name + R"(":{"dtype":")" + safetensors_name(tensor.type) +
            R"(","shape":[)" + shape + R"(],"data_offsets":[)" + std::to_string(tensor.offset) +
            "," + std::to_string(tensor.offset + static_cast<uint64_t>(tensor.bytes())) + "]}";
}

std::string header_of(const Plan& plan, const std::vector<size_t>& order) {
  std::string header(kBegin);
  for (const char c : to_text(plan)) {
    if (c == '\n') {
      header += kNewLine;
    } else {
      header += c;
    }
  }
  header += "\"}";
  for (const size_t i : order) append_entry(header, plan.tensors[i]);
  header += "}";
  // Spaces, which the format allows, align the data.
  header.resize(aligned(sizeof(uint64_t) + header.size()) - sizeof(uint64_t), ' ');
  return header;
}

std::span<const std::byte> bytes_of_text(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

[[noreturn]] void refuse(const std::string& found) {
  throw Error(ErrorCode::kEngineIncompatible,
              "expected an engine file of llm2clip's cpu engine, found " + found +
                  "; convert the checkpoint again with `npx llm2clip convert --force`");
}

// The plan's text in a header, with its ends of lines.
std::string plan_text(std::string_view header) {
  if (!header.starts_with(kBegin)) refuse("another kind of file");
  header.remove_prefix(kBegin.size());
  const size_t end = header.find('"');
  if (end == header.npos) refuse("a plan without an end");
  // Names in it may end up in messages, and so in a terminal.
  const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (!std::ranges::all_of(header.substr(0, end), is_printable)) {
    refuse("a plan with an odd character");
  }
  std::string text;
  for (std::string_view left = header.substr(0, end); !left.empty();) {
    const size_t line = std::min(left.find('\\'), left.size());
    text += left.substr(0, line);
    left.remove_prefix(line);
    if (left.empty()) break;
    if (!left.starts_with(kNewLine)) refuse("a plan with an odd character");
    text += '\n';
    left.remove_prefix(kNewLine.size());
  }
  return text;
}

// Where a tensor must begin: kernels read panels with aligned instructions, and other tensors
// number by number.
uint64_t alignment_of(const PlanTensor& tensor) {
  return tensor.in_panels ? kAlignment : static_cast<uint64_t>(size_of(tensor.type));
}

// The format allows no gaps between tensors. In this order all of them are aligned without any:
// panels, whose sizes are multiples of the alignment, then numbers of four bytes, then of two.
std::vector<size_t> order_in_file(const std::vector<PlanTensor>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater(),
                           [&](size_t i) { return alignment_of(tensors[i]); });
  return order;
}

// Each tensor begins where the one before it ends. So all are aligned, and together they are no
// larger than the file.
void require_places(const Plan& plan, uint64_t size) {
  uint64_t end = 0;
  for (const size_t i : order_in_file(plan.tensors)) {
    const PlanTensor& tensor = plan.tensors[i];
    const auto bytes = static_cast<uint64_t>(tensor.bytes());
    if (tensor.offset != end || bytes > size - end) {
      refuse("tensor " + tensor.name + " outside of its place in the data");
    }
    end += bytes;
  }
}

}  // namespace

void write_data_file(const std::string& path, Plan& plan,
                     const std::function<std::vector<std::byte>(size_t)>& tensor) {
  const std::vector<size_t> order = order_in_file(plan.tensors);
  uint64_t offset = 0;
  for (const size_t i : order) {
    plan.tensors[i].offset = offset;
    offset += static_cast<uint64_t>(plan.tensors[i].bytes());
  }
  const std::string header = header_of(plan, order);
  const uint64_t length = header.size();
  OutputFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(bytes_of_text(header));
  for (const size_t i : order) {
    const std::vector<std::byte> bytes = tensor(i);
    if (bytes.size() != static_cast<size_t>(plan.tensors[i].bytes())) {
      throw Error(ErrorCode::kInternal, "expected another size of " + plan.tensors[i].name);
    }
    file.write(bytes);
  }
}

DataFile::DataFile(const std::string& path) : file_(std::make_unique<MappedFile>(path)) {
  const std::span<const std::byte> all = file_->bytes();
  uint64_t length = 0;
  if (all.size() < sizeof(length)) refuse("an empty file");
  std::memcpy(&length, all.data(), sizeof(length));
  if (length > kMostHeader || length > all.size() - sizeof(length)) refuse("a header that is cut");
  const auto* text = reinterpret_cast<const char*>(all.data() + sizeof(length));
  plan_ = plan_of(plan_text({text, length}));
  data_ = all.subspan(sizeof(length) + length);
  if ((sizeof(length) + length) % kAlignment != 0) refuse("data that are not aligned");
  require_places(plan_, data_.size());
  file_->require_intact();
}

}  // namespace llm2clip::cpu
