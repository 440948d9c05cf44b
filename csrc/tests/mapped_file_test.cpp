// Tests mapped files that others truncate, overwrite and replace.
#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "expect.h"
#include "temporary_folder.h"

namespace llm2clip::testing {
namespace {

constexpr size_t kPage = 4096;  // or a part of a page
constexpr auto kBoth = {FileMemory::kMapped, FileMemory::kCopied};

// A file with the byte `value`, written long ago, so that every later change alters its time.
std::string file_of(const TemporaryFolder& folder, size_t bytes, char value = 'x') {
  std::string path = folder.path() + "/file";
  std::ofstream(path, std::ios::binary) << std::string(bytes, value);
  using std::filesystem::file_time_type;
  std::filesystem::last_write_time(path, file_time_type::clock::now() - std::chrono::hours(1));
  return path;
}

size_t count(const MappedFile& file, char value) {
  return static_cast<size_t>(std::ranges::count(file.bytes(), static_cast<std::byte>(value)));
}

// The code and message of the error that is thrown, or "".
std::string error_of(const std::function<void()>& body) {
  try {
    body();
    return "";
  } catch (const Error& error) {
    return std::string(name(error.code())) + ": " + error.what();
  }
}
std::string fault_of(const MappedFile& file) {
  return error_of([&] { file.require_intact(); });
}
bool is_io_error(const std::string& error, const std::string& part) {
  return error.starts_with("ERR_IO: ") && error.find(part) != std::string::npos;
}

void test_contents() {
  const TemporaryFolder folder;
  for (const size_t bytes : {size_t{0}, size_t{1}, kPage, 5 * kPage + 17}) {
    const std::string path = file_of(folder, bytes);
    for (const FileMemory memory : kBoth) {
      const MappedFile file(path, memory);
      file.will_need();
      EXPECT(file.bytes().size() == bytes && count(file, 'x') == bytes);
      EXPECT(fault_of(file).empty());
    }
  }
}

void test_truncated() {
  const TemporaryFolder folder;
  // within the last page, which gives no signal; in the middle; wholly
  for (const size_t left : {9 * kPage + 1, 3 * kPage, size_t{0}}) {
    const std::string path = file_of(folder, 9 * kPage + 50);
    const MappedFile file(path);
    const MappedFile copy(path, FileMemory::kCopied);
    EXPECT(count(file, 'x') == 9 * kPage + 50);
    std::filesystem::resize_file(path, left);
    EXPECT(is_io_error(fault_of(file), std::to_string(left) + " bytes instead of 36914"));
    EXPECT(count(file, 'x') == left && count(file, 0) == file.bytes().size() - left);
    EXPECT(is_io_error(fault_of(file), path));
    EXPECT(count(copy, 'x') == 9 * kPage + 50 && fault_of(copy).empty());
  }
}

// The file is as it was again, but what was read of it was not.
void test_truncated_for_a_time() {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, 2 * kPage);
  const auto time = std::filesystem::last_write_time(path);
  const MappedFile file(path);
  std::filesystem::resize_file(path, kPage);
  EXPECT(count(file, 0) == kPage);
  std::filesystem::resize_file(path, 2 * kPage);
  std::filesystem::last_write_time(path, time);
  EXPECT(is_io_error(fault_of(file), "could not be read"));
}

void test_overwritten() {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, kPage);
  const MappedFile file(path);
  const MappedFile copy(path, FileMemory::kCopied);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary) << 'y';
  EXPECT(is_io_error(fault_of(file), "written to"));
  EXPECT(count(copy, 'x') == kPage && fault_of(copy).empty());
}

void test_replaced() {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, kPage);
  const MappedFile file(path);
  std::ofstream(path + ".new") << "something else";
  std::filesystem::rename(path + ".new", path);
  EXPECT(count(file, 'x') == kPage && fault_of(file).empty());
  std::filesystem::remove(path);
  EXPECT(count(file, 'x') == kPage && fault_of(file).empty());
}

void test_names() {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, kPage);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const std::string number = "/proc/self/fd/" + std::to_string(descriptor);
  for (const FileMemory memory : kBoth) {
    EXPECT(count(MappedFile(number, memory), 'x') == kPage);
    const std::string error = error_of([&] { MappedFile(folder.path(), memory); });
    EXPECT(is_io_error(error, folder.path()));
    EXPECT(error_of([&] { MappedFile(path + "?", memory); }).starts_with("ERR_NOT_FOUND: "));
    EXPECT(is_io_error(error_of([&] { MappedFile("/dev/null", memory); }), "/dev/null"));
  }
  const MappedFile known(number), labelled(number, FileMemory::kMapped, "my weights");
  ::close(descriptor);
  std::filesystem::resize_file(path, 1);
  EXPECT(is_io_error(fault_of(known), path));
  EXPECT(is_io_error(fault_of(labelled), "my weights"));
}

// One thread truncates files that others read.
void test_threads() {
  const TemporaryFolder folder;
  constexpr size_t kPages = 64;
  for (int round = 0; round < 20; ++round) {
    const std::string path = file_of(folder, kPages * kPage);
    const MappedFile file(path);
    std::atomic<bool> stop = false;
    std::atomic<int> began = 0, odd = 0;
    std::vector<std::jthread> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back([&] {
        for (bool last = false; !last;) {
          last = stop;
          for (const std::byte byte : file.bytes()) {
            odd += byte == std::byte{'x'} || byte == std::byte{0} ? 0 : 1;
          }
          ++began;
        }
      });
    }
    while (began < 3) std::this_thread::yield();
    for (size_t left = kPages; left-- > 0;) std::filesystem::resize_file(path, left * kPage);
    stop = true;
    readers.clear();
    EXPECT(odd == 0 && count(file, 0) == kPages * kPage && !fault_of(file).empty());
  }
}

void test_many() {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, 3 * kPage);
  std::vector<std::unique_ptr<MappedFile>> files;
  for (int i = 0; i < 500; ++i) files.push_back(std::make_unique<MappedFile>(path));
  std::filesystem::resize_file(path, kPage);
  size_t faults = 0;
  for (const auto& file : files) {
    EXPECT(count(*file, 0) == 2 * kPage);
    faults += is_io_error(fault_of(*file), "4096 bytes instead of 12288") ? 1 : 0;
  }
  EXPECT(faults == files.size());
  files.clear();
  // Threads map and read files while others come and go, on the entries of those above.
  const std::string other = file_of(folder, 3 * kPage, 'y');
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const MappedFile file(other);
        wrong += count(file, 'y') == 3 * kPage && fault_of(file).empty() ? 0 : 1;
      }
    });
  }
  threads.clear();
  EXPECT(wrong == 0);
}

// Runs `body` in a child process, and returns the status that it ends with.
int status_of_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::alarm(60);  // ends it if it hangs
    body();
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

bool ends_by_sigbus(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS; }

// Reads behind the end of a file that is mapped without MappedFile.
void fault_elsewhere(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  void* const mapped = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, descriptor, 0);
  if (mapped == MAP_FAILED || ::ftruncate(descriptor, 0) != 0) ::_exit(90);
  static_cast<void>(*static_cast<const volatile char*>(mapped));
}

// These run first, because the handler is installed when a process maps its first file.
void test_other_faults() {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, kPage);
  const std::string other = folder.path() + "/other";
  const auto fault = [&](void (*handler)(int)) {
    std::filesystem::copy_file(path, other, std::filesystem::copy_options::overwrite_existing);
    return status_of_child([&] {
      ::signal(SIGBUS, handler);
      const MappedFile file(path);
      fault_elsewhere(other);
      ::_exit(91);
    });
  };
  EXPECT(ends_by_sigbus(fault(SIG_DFL)));
  EXPECT(ends_by_sigbus(fault(SIG_IGN)));  // The system ignores no fault.
  const int status = fault([](int signal) { ::_exit(signal == SIGBUS ? 42 : 92); });
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

void test_previous_handler_with_information() {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, 2 * kPage), other = folder.path() + "/other";
  std::filesystem::copy_file(path, other);
  const int status = status_of_child([&] {
    struct sigaction action{};
    action.sa_sigaction = [](int, siginfo_t* info, void* context) {
      ::_exit(info->si_addr != nullptr && context != nullptr ? 43 : 92);
    };
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &action, nullptr);
    const MappedFile file(path);
    std::filesystem::resize_file(path, kPage);
    if (count(file, 0) != kPage) ::_exit(93);
    fault_elsewhere(other);
  });
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 43);
}

// kill() sends a signal that is no fault.
void test_sent_signals() {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, kPage);
  const auto send = [&](void (*handler)(int)) {
    return status_of_child([&] {
      ::signal(SIGBUS, handler);
      const MappedFile file(path);
      ::raise(SIGBUS);
    });
  };
  EXPECT(ends_by_sigbus(send(SIG_DFL)));
  EXPECT(send(SIG_IGN) == 0);
}

void test_memory_limit() {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/large";
  std::ofstream(path) << 'x';
  std::filesystem::resize_file(path, size_t{1} << 40);  // without using the disk
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  std::printf("skipped files beyond a limit of memory: the sanitizer needs more\n");
#else
  const int status = status_of_child([&] {
    const rlimit limit{size_t{1} << 32, size_t{1} << 32};
    ::setrlimit(RLIMIT_AS, &limit);
    for (const FileMemory memory : kBoth) {
      const std::string error = error_of([&] { MappedFile(path, memory); });
      if (!error.starts_with("ERR_OUT_OF_MEMORY: ")) ::_exit(94);
    }
  });
  EXPECT(status == 0);
#endif
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  std::signal(SIGBUS, SIG_DFL);  // A sanitizer may have a handler of its own.
  return run_tests({{"faults of other memory", test_other_faults},
                    {"a handler that was there before", test_previous_handler_with_information},
                    {"signals that are sent", test_sent_signals},
                    {"the bytes of a file", test_contents},
                    {"truncated files", test_truncated},
                    {"a file that is truncated for a time", test_truncated_for_a_time},
                    {"overwritten files", test_overwritten},
                    {"replaced and deleted files", test_replaced},
                    {"names in errors", test_names},
                    {"threads that read while another truncates", test_threads},
                    {"many files", test_many},
                    {"a limit of memory", test_memory_limit}});
}
