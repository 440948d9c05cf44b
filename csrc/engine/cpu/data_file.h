#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "engine/cpu/plan.h"

namespace llm2clip::cpu {

// The engine file: a safetensors file whose metadata holds the plan as text. Its header begins with
// fixed bytes and the plan, so that reading it takes no parser of JSON; what follows is for other
// tools.

// Writes the file, which must not exist, tensor by tensor. tensor(i) returns the bytes of the
// plan's i-th tensor; it is called in the order of the file. Sets the tensors' offsets in `plan`.
// Throws ERR_IO.
void write_data_file(const std::string& path, Plan& plan,
                     const std::function<std::vector<std::byte>(size_t)>& tensor);

// An engine file whose tensors are mapped into memory.
class DataFile {
 public:
  // Throws ERR_ENGINE_INCOMPATIBLE for any other file, and what MappedFile throws.
  explicit DataFile(const std::string& path);

  const Plan& plan() const { return plan_; }
  const std::byte* tensor(TensorId id) const { return data_.data() + plan_.at(id).offset; }
  // Throws ERR_IO if the file has changed since it was opened, or cannot be read any more.
  void require_intact() const { file_->require_intact(); }

 private:
  std::unique_ptr<MappedFile> file_;
  Plan plan_;
  std::span<const std::byte> data_;
};

}  // namespace llm2clip::cpu
