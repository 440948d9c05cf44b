#include "base/exchange.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/error.h"

namespace llm2clip {

void exchange_directories(const std::string& a, const std::string& b) {
  constexpr unsigned kExchange = 2;  // RENAME_EXCHANGE of linux/fs.h
  if (::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), kExchange) == 0) return;
  throw Error(ErrorCode::kIo, "cannot exchange " + a + " and " + b + " in one step: " +
                                  std::error_code(errno, std::generic_category()).message());
}

}  // namespace llm2clip
