#include "tests/testing/namespaces.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tests/testing/require.h"
#include "tests/testing/socket.h"

namespace understudy::testing {
namespace {

void RaiseLoopback() {
  const Socket control = Bind(Transport::kUdp, "0.0.0.0", 0);
  ifreq request = {};
  std::strncpy(request.ifr_name, "lo", sizeof(request.ifr_name) - 1);
  Require(ioctl(control.fd(), SIOCGIFFLAGS, &request) == 0, "the flags of loopback");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  Require(ioctl(control.fd(), SIOCSIFFLAGS, &request) == 0, "loopback is up");
}

std::string Enter(int flags) {
  if (unshare(flags) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return absl::StrCat("namespaces cannot be made here: ", std::strerror(errno));
  }
  if ((flags & CLONE_NEWNET) != 0) RaiseLoopback();
  return {};
}

}  // namespace

const std::string& EnterNamespaces(int flags) {
  static const auto& why_not = *new std::string(Enter(flags));
  return why_not;
}

}  // namespace understudy::testing
