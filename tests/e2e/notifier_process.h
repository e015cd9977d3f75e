// The real understudy-notifier binary.
#ifndef TESTS_E2E_NOTIFIER_PROCESS_H_
#define TESTS_E2E_NOTIFIER_PROCESS_H_

#include <string>

#include "tests/e2e/service_process.h"

namespace understudy::testing {

class NotifierProcess : public ServiceProcess {
 public:
  explicit NotifierProcess(const std::string& path, KeepLog keep_log = KeepLog::kAll)
      : ServiceProcess(UNDERSTUDY_NOTIFIER_BINARY, path, keep_log) {}
};

}  // namespace understudy::testing

#endif  // TESTS_E2E_NOTIFIER_PROCESS_H_
