#include "base/mapped_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/error.h"

namespace llm2clip {
namespace {

// What a path like /proc/self/fd/7 refers to, because a number tells a reader nothing.
std::string name_of(const std::string& path) {
  if (!path.starts_with("/proc/")) return path;
  std::error_code failed;
  const auto target = std::filesystem::read_symlink(path, failed);
  return failed ? path : target.string();
}

struct stat status_of_file(const File& file) {
  const struct stat status = file.status();
  if (S_ISREG(status.st_mode)) return status;
  throw Error(ErrorCode::kIo,
              "expected " + file.path() + " to be a file, found a folder or device");
}

[[noreturn]] void throw_changed(const File& file, const std::string& fault) {
  throw Error(ErrorCode::kIo, "expected " + file.path() + " to stay as it was opened, found " +
                                  fault + "; replace it by renaming, not by writing to it, and " +
                                  "load it again");
}

void* map_pages(const File& file, size_t size, int protection, int flags, int descriptor) {
  void* const begin = ::mmap(nullptr, size, protection, flags, descriptor, 0);
  if (begin != MAP_FAILED) return begin;
  const int cause = errno;
  const ErrorCode code = cause == ENOMEM ? ErrorCode::kOutOfMemory : ErrorCode::kIo;
  throw Error(code, "cannot map " + std::to_string(size) + " bytes for " + file.path() + ": " +
                        std::error_code(cause, std::generic_category()).message());
}

bool is_same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

MappedFile::Pages::~Pages() {
  if (!bytes.empty()) ::munmap(bytes.data(), bytes.size());
}

void MappedFile::Pages::map(const File& file, size_t size) {
  void* const begin = map_pages(file, size, PROT_READ, MAP_SHARED, file.descriptor());
  bytes = {static_cast<std::byte*>(begin), size};
}

void MappedFile::Pages::copy(const File& file, size_t size) {
  void* const begin =
      map_pages(file, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  bytes = {static_cast<std::byte*>(begin), size};
  file.read(0, bytes);
  ::mprotect(begin, size, PROT_READ);
}

MappedFile::MappedFile(const std::string& path, FileMemory memory, const std::string& name)
    : file_(path, name.empty() ? name_of(path) : name), status_(status_of_file(file_)) {
  const auto size = static_cast<size_t>(status_.st_size);
  if (size == 0) return;
  if (memory == FileMemory::kMapped) {
    pages_.map(file_, size);
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    guard_.emplace(pages_.bytes.data(), (size + page - 1) / page * page);
  } else {
    pages_.copy(file_, size);
  }
  const std::string fault = find_fault();
  if (!fault.empty()) throw_changed(file_, fault);
}

void MappedFile::will_need() const noexcept {
  if (guard_) ::madvise(pages_.bytes.data(), pages_.bytes.size(), MADV_WILLNEED);
}

// Returns '' if there is none. st_ctim is not compared, because it also changes when the file is
// renamed, replaced or deleted, which does no harm.
std::string MappedFile::find_fault() const {
  const struct stat now = file_.status();
  if (now.st_size != status_.st_size) {
    return std::to_string(now.st_size) + " bytes instead of " + std::to_string(status_.st_size);
  }
  if (!is_same_time(now.st_mtim, status_.st_mtim)) return "that it was written to";
  if (guard_ && guard_->is_broken()) return "that a part of it could not be read";
  return "";
}

void MappedFile::require_intact() const {
  if (!guard_) return;
  const std::string fault = find_fault();
  if (!fault.empty()) throw_changed(file_, fault);
}

}  // namespace llm2clip
