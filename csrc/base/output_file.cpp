#include "base/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_name.h"

namespace llm2clip {
namespace {

[[noreturn]] void throw_errno(const std::string& path) {
  throw Error(ErrorCode::kIo, "cannot write " + path + ": " +
                                  std::error_code(errno, std::generic_category()).message());
}

}  // namespace

OutputFile::OutputFile(const std::string& path)
    : path_(path),
      descriptor_(
          ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw_errno(path_);
}

OutputFile::~OutputFile() { ::close(descriptor_); }

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno(path_);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
}

std::vector<std::byte> read_cache(const std::string& path) noexcept {
  try {
    const File file(path);
    std::vector<std::byte> bytes(file.size());
    file.read(0, bytes);
    return bytes;
  } catch (...) {
    return {};
  }
}

bool write_cache(const std::string& path, std::span<const std::byte> bytes) noexcept {
  try {
    // Several processes may write at once. The last rename wins.
    const std::string temporary = temporary_name(path);
    bool written = false;
    try {
      OutputFile(temporary).write(bytes);
      written = ::rename(temporary.c_str(), path.c_str()) == 0;
    } catch (const Error&) {  // for example a read-only folder or a full disk
    }
    if (!written) ::unlink(temporary.c_str());
    return written;
  } catch (...) {
    return false;
  }
}

}  // namespace llm2clip
