// The numbers that the command line works on: those in a router's database, and beside them those
// of its configuration, which are looked at and not changed.
#ifndef SERVICES_CLI_NUMBERS_FILE_H_
#define SERVICES_CLI_NUMBERS_FILE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/router/config.h"
#include "services/router/routes/numbers_store.h"
#include "services/router/routes/route_table.h"

namespace understudy::cli {

enum class IfAbsent : uint8_t { kRefuse, kMake };

class NumbersFile {
 public:
  // One of `config_path` and `database` is given; of a configuration its database. InvalidArgument,
  // with the mistakes, if the configuration has any, or has no database; NotFound if the file is
  // not there and is not to be made; else why it cannot be opened.
  static absl::StatusOr<std::unique_ptr<NumbersFile>> Open(const std::string& config_path,
                                                           const std::string& database,
                                                           IfAbsent if_absent);

  const std::string& path() const { return path_; }
  router::NumbersStore& store() { return *store_; }

  // The account of numbers of which nobody says whose they are: the only one of the configuration.
  // Empty: there is none, or there are several.
  std::string only_account() const;

  bool IsConfigured(const std::string& phone_number) const;
  // Of the configuration or the database; the configuration's counts.
  router::Answer<router::IncomingPhoneNumber> Find(const std::string& phone_number);
  // Those of the database, then those of the configuration; each in the order of phone numbers.
  // Empty `account_sid`: of all accounts. `visit` may return false to end it.
  absl::Status ForEach(const std::string& account_sid,
                       absl::FunctionRef<bool(const router::IncomingPhoneNumber&)> visit);

 private:
  explicit NumbersFile(router::RouterConfig config);

  const router::RouterConfig config_;
  const router::RouteTable routes_;
  std::string path_;
  std::unique_ptr<router::NumbersStore> store_;
};

}  // namespace understudy::cli

#endif  // SERVICES_CLI_NUMBERS_FILE_H_
