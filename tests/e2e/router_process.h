// The real understudy-router binary.
#ifndef TESTS_E2E_ROUTER_PROCESS_H_
#define TESTS_E2E_ROUTER_PROCESS_H_

#include <string>

#include "tests/e2e/service_process.h"

namespace understudy::testing {

class RouterProcess : public ServiceProcess {
 public:
  explicit RouterProcess(const std::string& path)
      : ServiceProcess(UNDERSTUDY_ROUTER_BINARY, path) {}
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_ROUTER_PROCESS_H_
