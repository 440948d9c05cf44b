#include "base/guarded_range.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

namespace llm2clip {

// A range in a list that the handler walks. Entries are never freed, because the handler may be
// reading them; a range that ends leaves its entry to the next one.
struct GuardedEntry {
  std::atomic<bool> taken{true};
  // Odd while begin and end change. The handler ignores such an entry: nobody reads its memory yet,
  // or any more.
  std::atomic<uint32_t> version{1};
  std::atomic<uintptr_t> begin{0}, end{0};
  std::atomic<bool> broken{false};
  GuardedEntry* next = nullptr;
};

namespace {

static_assert(std::atomic<uintptr_t>::is_always_lock_free);

std::atomic<GuardedEntry*> entries{nullptr};
struct sigaction previous{};
uintptr_t page_size = 0;

// Everything that the handler calls must be safe in a signal handler, at any time.

// Returns the entry that contains the address, with the end of its range, or nullptr.
GuardedEntry* entry_of(uintptr_t address, uintptr_t& end) noexcept {
  for (auto* entry = entries.load(std::memory_order_acquire); entry; entry = entry->next) {
    const uint32_t version = entry->version.load(std::memory_order_acquire);
    const uintptr_t begin = entry->begin.load(std::memory_order_acquire);
    end = entry->end.load(std::memory_order_acquire);
    const bool is_stable = version % 2 == 0 && entry->version.load() == version;
    if (is_stable && begin <= address && address < end) return entry;
  }
  return nullptr;
}

// Maps zeros instead of the file, from the page of this address on. Returns false if the address is
// in no range.
bool mend(uintptr_t address) noexcept {
  uintptr_t end = 0;
  GuardedEntry* const entry = entry_of(address, end);
  if (entry == nullptr) return false;
  entry->broken = true;
  const uintptr_t first = address / page_size * page_size;
  // This does not call mmap(), because ThreadSanitizer's mmap() counts as a write to the memory,
  // which other threads read meanwhile.
  const long mapped = ::syscall(SYS_mmap, first, end - first, PROT_READ,
                                MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
  return mapped != -1;
}

// What happens to a signal for other memory.
void pass_on(int signal, siginfo_t* info, void* context) noexcept {
  if ((previous.sa_flags & SA_SIGINFO) != 0) return previous.sa_sigaction(signal, info, context);
  const bool is_sent = info->si_code <= 0;  // by kill(), not because of an instruction
  if (previous.sa_handler == SIG_IGN && is_sent) return;
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    return previous.sa_handler(signal);
  }
  // The instruction is repeated after this function returns, and then ends the process.
  ::signal(signal, SIG_DFL);
  if (is_sent) ::raise(signal);
}

void handle(int signal, siginfo_t* info, void* context) noexcept {
  const int error = errno;
  const bool is_fault = info->si_code > 0;
  if (!is_fault || !mend(reinterpret_cast<uintptr_t>(info->si_addr))) {
    pass_on(signal, info, context);
  }
  errno = error;
}

void install_handler() {
  static const bool installed = [] {
    page_size = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
    // `previous` is known before the new handler can be called.
    ::sigaction(SIGBUS, nullptr, &previous);
    struct sigaction action{};
    action.sa_sigaction = handle;
    // A thread may have a stack of its own for signals. The rest is what the previous handler asks.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous.sa_flags & (SA_NODEFER | SA_RESTART));
    action.sa_mask = previous.sa_mask;
    return ::sigaction(SIGBUS, &action, nullptr) == 0;
  }();
  static_cast<void>(installed);
}

GuardedEntry& take_entry() {
  for (auto* entry = entries.load(); entry; entry = entry->next) {
    bool taken = false;
    if (entry->taken.compare_exchange_strong(taken, true)) return *entry;
  }
  auto* const entry = new GuardedEntry;  // never freed
  entry->next = entries.load();
  while (!entries.compare_exchange_weak(entry->next, entry)) {
  }
  return *entry;
}

}  // namespace

GuardedRange::GuardedRange(const void* begin, size_t bytes) : entry_(take_entry()) {
  install_handler();
  const auto address = reinterpret_cast<uintptr_t>(begin);
  entry_.broken = false;
  entry_.begin = address;
  entry_.end = address + bytes;
  ++entry_.version;
}

GuardedRange::~GuardedRange() {
  ++entry_.version;
  entry_.taken = false;
}

bool GuardedRange::is_broken() const { return entry_.broken; }

}  // namespace llm2clip
