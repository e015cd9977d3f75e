#include "services/cli/numbers_file.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/router/routes/numbers.h"

namespace understudy::cli {

using router::IncomingPhoneNumber;

NumbersFile::NumbersFile(router::RouterConfig config)
    : config_(std::move(config)), routes_(config_.accounts, config_.numbers, config_.bins) {}

absl::StatusOr<std::unique_ptr<NumbersFile>> NumbersFile::Open(const std::string& config_path,
                                                               const std::string& database,
                                                               IfAbsent if_absent) {
  router::RouterConfig config;
  if (!config_path.empty()) {
    absl::StatusOr<router::RouterConfig> loaded = router::LoadRouterConfig(config_path);
    if (!loaded.ok()) return absl::InvalidArgumentError(loaded.status().message());
    if (loaded->numbers_database.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(config_path, ": has no numbers_database: its router keeps no numbers"));
    }
    config = *std::move(loaded);
  }
  std::unique_ptr<NumbersFile> file(new NumbersFile(std::move(config)));
  file->path_ = config_path.empty() ? database : file->config_.numbers_database;
  std::error_code error;
  if (if_absent == IfAbsent::kRefuse && !std::filesystem::exists(file->path_, error)) {
    return absl::NotFoundError(absl::StrCat(
        file->path_, " is not there; set and import make it, and so does a router at its start"));
  }

  router::References references;
  if (!config_path.empty()) {
    // The file does not move, nor do its routes.
    references.has_bin = [routes = &file->routes_](absl::string_view name) {
      return routes->FindBin(name) != nullptr;
    };
    references.has_account = [routes = &file->routes_](absl::string_view sid) {
      return routes->FindAccount(sid) != nullptr;
    };
  }
  absl::StatusOr<std::unique_ptr<router::NumbersStore>> store =
      router::NumbersStore::Open({.path = file->path_, .references = std::move(references)});
  if (!store.ok()) {
    return absl::Status(store.status().code(),
                        absl::StrCat(file->path_, ": ", store.status().message()));
  }
  file->store_ = *std::move(store);
  return file;
}

std::string NumbersFile::only_account() const {
  return config_.accounts.size() == 1 ? config_.accounts.front().sid : "";
}

bool NumbersFile::IsConfigured(const std::string& phone_number) const {
  return routes_.FindConfigured(phone_number) != nullptr;
}

router::Answer<IncomingPhoneNumber> NumbersFile::Find(const std::string& phone_number) {
  if (const router::Number* const number = routes_.FindConfigured(phone_number)) {
    return router::ConfiguredResource(*number, absl::Now());
  }
  return store_->FindNumber(phone_number);
}

absl::Status NumbersFile::ForEach(const std::string& account_sid,
                                  absl::FunctionRef<bool(const IncomingPhoneNumber&)> visit) {
  bool goes_on = true;
  absl::Status status = store_->ForEachNumber(account_sid, [&](const IncomingPhoneNumber& number) {
    // Hidden by the configuration's.
    if (!IsConfigured(number.phone_number)) goes_on = visit(number);
    return goes_on;
  });
  if (!status.ok() || !goes_on) return status;
  std::vector<const router::Number*> configured;
  for (const router::Number& number : config_.numbers) {
    if (account_sid.empty() || number.account_sid == account_sid) configured.push_back(&number);
  }
  std::sort(configured.begin(), configured.end(),
            [](const auto* a, const auto* b) { return a->phone_number < b->phone_number; });
  const absl::Time now = absl::Now();
  for (const router::Number* number : configured) {
    if (!visit(router::ConfiguredResource(*number, now))) break;
  }
  return absl::OkStatus();
}

}  // namespace understudy::cli
