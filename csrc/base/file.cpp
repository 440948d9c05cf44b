#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.h"

namespace llm2clip {
namespace {

[[noreturn]] void throw_errno(const std::string& action, const std::string& path) {
  const int cause = errno;
  const ErrorCode code = cause == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  throw Error(code, "cannot " + action + " " + path + ": " +
                        std::error_code(cause, std::generic_category()).message());
}

}  // namespace

File::File(const std::string& path, const std::string& name)
    : path_(name),
      // Without O_NONBLOCK, opening a named pipe would wait for a writer forever.
      descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
  if (descriptor_ < 0) throw_errno("open", path_);
}

File::~File() { ::close(descriptor_); }

void File::read(uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("read", path_);
    if (got == 0) {
      throw Error(ErrorCode::kIo, path_ + " ends at byte " + std::to_string(offset) + ", " +
                                      std::to_string(out.size()) + " bytes too early");
    }
    offset += static_cast<uint64_t>(got);
    out = out.subspan(static_cast<size_t>(got));
  }
}

uint64_t File::size() const { return static_cast<uint64_t>(status().st_size); }

struct stat File::status() const {
  struct stat status{};
  if (::fstat(descriptor_, &status) != 0) throw_errno("stat", path_);
  return status;
}

}  // namespace llm2clip
