#include "engine/cpu/open_file.h"

#include "base/error.h"

namespace llm2clip::cpu {
namespace {

void require_cpu(const std::string& device) {
  if (device == "cpu") return;
  throw Error(ErrorCode::kDeviceUnavailable,
              "expected device cpu for an engine of kind cpu, found " + device);
}

// A text may be shorter than the largest that the plan was made for.
void require_input(const Input& planned, const Input& wanted) {
  const bool fits =
      planned.kind == wanted.kind &&
      (planned.kind == InputKind::kText ? wanted.most_tokens() <= planned.most_tokens()
                                        : wanted.shape == planned.shape);
  if (fits) return;
  throw Error(ErrorCode::kEngineIncompatible, "expected an engine file for inputs " +
                                                  to_string(wanted.shape) + ", found one for " +
                                                  to_string(planned.shape));
}

// Opens a file that takes these inputs.
DataFile opened(const SessionOptions& options) {
  require_cpu(options.device);
  DataFile file(options.path);
  require_input(file.plan().input, options.input);
  return file;
}

}  // namespace

OpenFile::OpenFile(const SessionOptions& options)
    : file(opened(options)), team(options.threads), runner(file, team) {}

}  // namespace llm2clip::cpu
