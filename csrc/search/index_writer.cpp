#include "search/index_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <span>
#include <system_error>

#include "base/error.h"
#include "base/temporary_name.h"
#include "search/index_format.h"

namespace llm2clip {
namespace {

constexpr size_t kFlushBytes = 1U << 20;
constexpr mode_t kMode = 0666;

[[noreturn]] void throw_errno(const std::string& action, const std::string& path) {
  const int cause = errno;
  throw Error(cause == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
              "cannot " + action + " " + path + ": " +
                  std::error_code(cause, std::generic_category()).message());
}

Error locked(const std::string& path) {
  return {ErrorCode::kIndexLocked,
          path + " is open for writing elsewhere; it has to be closed there first"};
}

void sync_folder_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);  // best effort: not every file system supports it
  ::close(descriptor);
}

// Removes the temporary files of writers of `path` that were killed. Nobody holds the lock of such
// a file. Best effort.
void remove_abandoned(const std::string& path) {
  const std::filesystem::path target(path);
  std::error_code failed;
  const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : ".";
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().string();
    if (!is_temporary_name(entry->path().filename().native(), target.filename().native())) continue;
    const int descriptor = ::open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(name.c_str());
    ::close(descriptor);
  }
}

// Without `replaces`, a file that another process created in the meantime stays, and this throws.
void put_in_place(const std::string& temporary, const std::string& path, bool replaces) {
  const unsigned flags = replaces ? 0 : RENAME_NOREPLACE;
  int failed = ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), flags);
  if (failed != 0 && errno == EEXIST) throw locked(path);
  // Some file systems do not support the flag.
  if (failed != 0 && errno == EINVAL) failed = std::rename(temporary.c_str(), path.c_str());
  if (failed != 0) throw_errno("write", path);
}

// What follows a record's header. It is passed to `put` in pieces, and its checksum is computed.
class Payload {
 public:
  using Put = std::function<void(std::span<const std::byte>)>;
  explicit Payload(Put put) : put_(std::move(put)) {}
  void add(std::span<const std::byte> bytes) {
    gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
    if (gathered_.size() >= kFlushBytes) flush();
  }
  void flush() {
    checksum_ = crc32c(gathered_, checksum_);
    put_(gathered_);
    gathered_.clear();
  }
  uint32_t checksum() const { return checksum_; }

 private:
  Put put_;
  std::vector<std::byte> gathered_;
  uint32_t checksum_ = 0;
};

// Calls body(block, row of the block) for every row of the record.
template <typename Body>
void for_each_row(const RowSnapshot& rows, const RecordSpec& record, const Body& body) {
  for (const auto& block : rows.blocks) {
    const int64_t first = std::max(record.first, block->first_row);
    const int64_t last = std::min(record.last, block->first_row + rows.rows_in(*block));
    for (int64_t row = first; row < last; ++row) {
      if (!rows.is_removed(row)) body(*block, static_cast<size_t>(row - block->first_row));
    }
  }
}

}  // namespace

IndexWriter::~IndexWriter() { ::close(descriptor_); }

bool IndexWriter::lock() const {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) throw_errno("lock", path_);
  return false;
}

bool IndexWriter::is_at(const std::string& path) const {
  struct stat there{}, own{};
  return ::stat(path.c_str(), &there) == 0 && ::fstat(descriptor_, &own) == 0 &&
         there.st_dev == own.st_dev && there.st_ino == own.st_ino;
}

std::unique_ptr<IndexWriter> IndexWriter::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) throw_errno("open", path);
  std::unique_ptr<IndexWriter> writer(new IndexWriter(path, descriptor));
  // If another writer replaced the file in the meantime, that writer has locked the new file.
  if (!writer->lock() || !writer->is_at(path)) throw locked(path);
  return writer;
}

std::unique_ptr<IndexWriter> IndexWriter::create_empty(const std::string& path,
                                                       std::string* temporary) {
  for (;;) {
    *temporary = temporary_name(path);
    const int descriptor =
        ::open(temporary->c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode);
    if (descriptor < 0) throw_errno("write", path);
    std::unique_ptr<IndexWriter> writer(new IndexWriter(path, descriptor));
    // Before the lock was taken, another writer may have removed the file as abandoned.
    if (writer->lock() && writer->is_at(*temporary)) return writer;
  }
}

std::unique_ptr<IndexWriter> IndexWriter::create(const std::string& path, const RowSnapshot& rows,
                                                 const std::vector<RecordSpec>& records,
                                                 const IndexWriter* current) {
  std::unique_ptr<IndexWriter> replaced;
  const bool is_own = current != nullptr && current->is_at(path);
  if (!is_own && ::access(path.c_str(), F_OK) == 0) replaced = open(path);
  remove_abandoned(path);
  std::string temporary;
  std::unique_ptr<IndexWriter> writer = create_empty(path, &temporary);
  try {
    writer->write_header(rows.format);
    for (const RecordSpec& record : records) writer->write(rows, record);
    writer->sync();
    put_in_place(temporary, path, is_own || replaced != nullptr);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_folder_of(path);
  return writer;
}

int IndexWriter::duplicate() const {
  const int descriptor = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) throw_errno("read", path_);
  return descriptor;
}

void IndexWriter::cut(uint64_t end) {
  if (::ftruncate(descriptor_, static_cast<off_t>(end)) != 0) throw_errno("cut", path_);
  end_ = end;
}

void IndexWriter::put(const void* bytes, size_t count, uint64_t at) const {
  const auto* from = static_cast<const std::byte*>(bytes);
  while (count > 0) {
    const ssize_t written = ::pwrite(descriptor_, from, count, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_errno("write", path_);
    from += written;
    at += static_cast<uint64_t>(written);
    count -= static_cast<size_t>(written);
  }
}

void IndexWriter::write_header(const RowFormat& format) {
  IndexHeader header;
  header.storage = static_cast<uint32_t>(format.storage);
  header.dim = static_cast<uint32_t>(format.dim);
  header.checksum = header_checksum(header);
  put(&header, sizeof(header), 0);
  end_ = sizeof(header);
}

void IndexWriter::write(const RowSnapshot& rows, const RecordSpec& record) {
  if (record.note.size() > kMostNote) {
    throw Error(ErrorCode::kIo, "a record of " + path_ + " would be longer than can be read");
  }
  RecordHeader header;
  std::vector<float> scales;
  for_each_row(rows, record, [&](const RowBlock& block, size_t row) {
    if (rows.format.has_scales()) scales.push_back(block.scales[row]);
    ++header.rows;
  });
  const auto add_all = [&](Payload& payload) {
    payload.add(std::as_bytes(std::span(scales)));
    for_each_row(rows, record, [&](const RowBlock& block, size_t row) {
      payload.add({block.memory.get() + row * rows.format.stride(), rows.format.row_bytes()});
    });
    payload.add(std::as_bytes(std::span(record.note)));
    payload.flush();
    return payload.checksum();
  };
  // The header is written first, so that the reader recognises an incomplete record by its length.
  // The checksum in the header therefore needs a first pass that writes nothing.
  Payload only_checked([](std::span<const std::byte>) {});
  header.note_bytes = record.note.size();
  header.payload_checksum = add_all(only_checked);
  header.checksum = header_checksum(header);
  uint64_t at = end_;
  const auto put_next = [&](std::span<const std::byte> bytes) {
    put(bytes.data(), bytes.size(), at);
    at += bytes.size();
  };
  put_next(std::as_bytes(std::span(&header, 1)));
  Payload written(put_next);
  add_all(written);
  end_ = at;
}

void IndexWriter::append(const RowSnapshot& rows, const RecordSpec& record) {
  const uint64_t end = end_;
  try {
    write(rows, record);
  } catch (...) {
    if (::ftruncate(descriptor_, static_cast<off_t>(end)) == 0) end_ = end;
    throw;
  }
}

void IndexWriter::sync() const {
  if (::fdatasync(descriptor_) != 0) throw_errno("write", path_);
}

}  // namespace llm2clip
