#include "base/temporary_name.h"

#include <random>

namespace llm2clip {
namespace {

constexpr std::string_view kInfix = ".tmp-";
constexpr std::string_view kDigits = "0123456789abcdef";
constexpr size_t kLength = 16;

}  // namespace

std::string temporary_name(const std::string& path) {
  std::random_device random;  // the system's generator, fit for secrets
  std::string name = path + std::string(kInfix);
  for (size_t i = 0; i < kLength; ++i) name += kDigits[random() % kDigits.size()];
  return name;
}

bool is_temporary_name(std::string_view name, std::string_view target) {
  if (!name.starts_with(target)) return false;
  name.remove_prefix(target.size());
  if (!name.starts_with(kInfix)) return false;
  name.remove_prefix(kInfix.size());
  return name.size() == kLength && name.find_first_not_of(kDigits) == std::string_view::npos;
}

}  // namespace llm2clip
