#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.h"

namespace llm2clip::testing {

// Holds the runs of a fake engine until a test releases them. This is the engine's end of a Unix
// socket; the other end is test/support/gate.mts. The engine sends a byte when a run begins, and a
// byte from the test lets one run end. After the test closes its end, runs are no longer held.
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

  // Called when a run begins. Blocks until the run may end.
  void pass() {
    char byte = '.';
    if (::send(socket_, &byte, 1, MSG_NOSIGNAL) != 1) return;
    while (::recv(socket_, &byte, 1, 0) < 0 && errno == EINTR) continue;
  }

 private:
  int socket_;
};

}  // namespace llm2clip::testing
