#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.h"

namespace llm2clip::testing {

// Holds the runs of a fake engine until a test lets them go: the engine's end of a Unix socket,
// whose other end is test/support/gate.mts. A byte from here says that a run has begun, a byte from
// there lets one end. Once the other end has closed, nothing is held any more.
class FakeGate {
 public:
  explicit FakeGate(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const bool fits = path.size() < sizeof address.sun_path;
    if (fits) path.copy(address.sun_path, path.size());
    if (!fits || socket_ < 0 ||
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(socket_);
      throw Error(ErrorCode::kEngineIncompatible, "expected a gate that listens at " + path);
    }
  }
  ~FakeGate() { ::close(socket_); }
  FakeGate(const FakeGate&) = delete;
  FakeGate& operator=(const FakeGate&) = delete;

  // Blocks from the beginning of a run until it may end.
  void pass() {
    char byte = '.';
    if (::send(socket_, &byte, 1, MSG_NOSIGNAL) != 1) return;
    while (::recv(socket_, &byte, 1, 0) < 0 && errno == EINTR) continue;
  }

 private:
  int socket_;
};

}  // namespace llm2clip::testing
