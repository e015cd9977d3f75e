#include "services/router/routes/numbers.h"

#include <fnmatch.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/serving/log.h"
#include "services/router/routes/number_pattern.h"

namespace understudy::router {
namespace {

using serving::Log;
using serving::LogLevel;

// A page's token that leads to configured numbers: from which of them on.
constexpr absl::string_view kConfiguredToken = "PC";
// The store's, for the page before those.
constexpr char kOldestStored[] = "PB0";

// The same in every process and after every start.
std::string SidOfConfigured(const std::string& phone_number) {
  const std::string text = absl::StrCat("configured number ", phone_number);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest = {};
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return absl::StrCat("PN", absl::BytesToHexString(absl::string_view(
                                reinterpret_cast<const char*>(digest.data()), 16)));
}

HandlerFields FieldsOf(const std::optional<Handler>& handler) {
  HandlerFields fields;
  if (!handler.has_value()) return fields;
  const auto name = [](Method method) { return method == Method::kGet ? "GET" : "POST"; };
  fields.url = handler->primary.url;
  fields.method = name(handler->primary.method);
  if (handler->fallback.has_value()) {
    fields.fallback_url = handler->fallback->url;
    fields.fallback_method = name(handler->fallback->method);
  }
  return fields;
}

IncomingPhoneNumber ResourceOf(const Number& configured, absl::Time now) {
  IncomingPhoneNumber number;
  number.sid = SidOfConfigured(configured.phone_number);
  number.account_sid = configured.account_sid;
  number.phone_number = configured.phone_number;
  number.friendly_name = DefaultFriendlyName(configured.phone_number);
  number.type = std::string(TypeOfNumber(configured.phone_number));
  number.voice = FieldsOf(configured.voice);
  number.sms = FieldsOf(configured.messaging);
  number.date_created = number.date_updated = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  number.is_read_only = true;
  return number;
}

bool Matches(const IncomingPhoneNumber& number, const NumberFilter& filter,
             const NumberPattern& pattern) {
  return (filter.type.empty() || filter.type == number.type) &&
         (!filter.friendly_name.has_value() || *filter.friendly_name == number.friendly_name) &&
         ::fnmatch(pattern.glob.c_str(), number.phone_number.c_str(), 0) == 0;
}

ResourceError ReadOnly(const std::string& phone_number) {
  return {.status = 409,
          .code = 20409,
          .field = "PhoneNumber",
          .message = absl::StrCat("the number ", phone_number,
                                  " is of the router's configuration: change it there, below "
                                  "numbers in router.yaml")};
}

// What the configuration has. Does not change once made.
struct Configuration {
  RouteTable routes;
  std::vector<IncomingPhoneNumber> numbers = {};  // in the order of the file
  absl::flat_hash_map<std::string, size_t> by_sid = {};
};

std::shared_ptr<const Configuration> MakeConfiguration(const RouteTable& routes,
                                                       const std::vector<Number>& configured,
                                                       absl::Time now) {
  auto made = std::make_shared<Configuration>(Configuration{.routes = routes});
  for (const Number& number : configured) made->numbers.push_back(ResourceOf(number, now));
  for (size_t i = 0; i < made->numbers.size(); ++i) made->by_sid[made->numbers[i].sid] = i;
  return made;
}

}  // namespace

IncomingPhoneNumber ConfiguredResource(const Number& configured, absl::Time now) {
  return ResourceOf(configured, now);
}
ResourceError NotChangedHere(const std::string& phone_number) {
  return ReadOnly(phone_number);
}

struct Numbers::Parts {
  NumbersOptions options;
  std::unique_ptr<NumbersStore> store;

  mutable Mutex mutex;
  std::shared_ptr<const Configuration> configuration GUARDED_BY(mutex);
  NumbersStats facts GUARDED_BY(mutex);
  bool is_stopping GUARDED_BY(mutex) = false;
  CondVar stopping;

  // Held while a table is made and published: in the order of commits.
  Mutex refreshing;
  PackedTexts texts GUARDED_BY(refreshing);
  NumbersSnapshot snapshot GUARDED_BY(refreshing);
  // Tables that calls may still have: kept so that none of them has to clear away a million numbers
  // because it was the last to go.
  std::vector<NumberTable> retired GUARDED_BY(refreshing);

  std::thread watcher;

  std::shared_ptr<const Configuration> Configured() const {
    MutexLock lock(mutex);
    return configuration;
  }
  // Null if `sid` is none of the configuration's.
  const IncomingPhoneNumber* FindConfigured(const Configuration& configured,
                                            const std::string& sid) const {
    const auto found = configured.by_sid.find(sid);
    return found == configured.by_sid.end() ? nullptr : &configured.numbers[found->second];
  }
  // Why a number that the store has may not be changed here, if it may not.
  std::optional<ResourceError> Objection(const std::string& account_sid, const std::string& sid);

  absl::Status Refresh();
  void Watch();
  // Refreshes after a write, unless it answered an error.
  template <typename T>
  Answer<T> Publish(Answer<T> answer) {
    // The write is on the disk. What cannot be read now, the watcher tries again.
    if (std::holds_alternative<T>(answer)) Refresh().IgnoreError();
    return answer;
  }
};

std::optional<ResourceError> Numbers::Parts::Objection(const std::string& account_sid,
                                                       const std::string& sid) {
  const std::shared_ptr<const Configuration> configured = Configured();
  if (const IncomingPhoneNumber* const number = FindConfigured(*configured, sid)) {
    if (number->account_sid == account_sid) return ReadOnly(number->phone_number);
    return std::nullopt;  // not found, says the store
  }
  if (configured->numbers.empty()) return std::nullopt;
  const Answer<IncomingPhoneNumber> stored = store->FetchNumber(account_sid, sid);
  const auto* const number = std::get_if<IncomingPhoneNumber>(&stored);
  if (number != nullptr && configured->routes.FindConfigured(number->phone_number) != nullptr) {
    return ReadOnly(number->phone_number);
  }
  return std::nullopt;
}

absl::Status Numbers::Parts::Refresh() {
  MutexLock refresh(refreshing);
  NumberTable before = snapshot.table;
  const absl::StatusOr<bool> is_changed = store->Refresh(texts, snapshot);
  if (is_changed.ok() && *is_changed) {
    if (options.publish) options.publish(snapshot.table);
    retired.push_back(std::move(before));
  }
  retired.erase(std::remove_if(retired.begin(), retired.end(),
                               [](const NumberTable& table) { return table.has_one_holder(); }),
                retired.end());
  MutexLock lock(mutex);
  if (is_changed.ok() != facts.is_current) {
    if (is_changed.ok()) {
      Log(LogLevel::kInfo, "the numbers can be read again", {{"path", options.path}});
    } else {
      Log(LogLevel::kError, "the numbers cannot be read: calls go by what was read before",
          {{"path", options.path}, {"reason", is_changed.status().message()}});
    }
  }
  facts.is_current = is_changed.ok();
  if (!is_changed.ok()) {
    ++facts.refresh_failures;
    return is_changed.status();
  }
  if (*is_changed) {
    facts.stored = static_cast<int64_t>(snapshot.table.numbers());
    facts.applications = static_cast<int64_t>(snapshot.table.applications());
    facts.lag = std::max(absl::Now() - snapshot.committed_at, absl::ZeroDuration());
  }
  return absl::OkStatus();
}

void Numbers::Parts::Watch() {
  while (true) {
    {
      MutexLock lock(mutex);
      const bool is_over =
          stopping.WaitFor(mutex, absl::ToChronoMilliseconds(kNumbersRefreshInterval),
                           [this]() REQUIRES(mutex) { return is_stopping; });
      if (is_over) return;
    }
    Refresh().IgnoreError();  // which has said so
  }
}

Numbers::Numbers(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Numbers::~Numbers() {
  {
    MutexLock lock(parts_->mutex);
    parts_->is_stopping = true;
    parts_->stopping.NotifyAll();
  }
  if (parts_->watcher.joinable()) parts_->watcher.join();
}

absl::StatusOr<std::unique_ptr<Numbers>> Numbers::Open(NumbersOptions options,
                                                       const RouteTable& routes,
                                                       const std::vector<Number>& configured,
                                                       absl::Time now) {
  auto parts = std::make_unique<Parts>();
  parts->options = std::move(options);
  Parts* const all = parts.get();
  absl::StatusOr<std::unique_ptr<NumbersStore>> store = NumbersStore::Open(
      {.path = parts->options.path,
       .references = {.has_bin =
                          [all](absl::string_view name) {
                            return all->Configured()->routes.FindBin(name) != nullptr;
                          },
                      .has_account =
                          [all](absl::string_view sid) {
                            return all->Configured()->routes.FindAccount(sid) != nullptr;
                          }},
       .busy_timeout = parts->options.busy_timeout,
       .on_write = parts->options.on_write});
  if (!store.ok()) return store.status();
  parts->store = *std::move(store);
  if (absl::Status status = parts->Refresh(); !status.ok()) return status;
  std::unique_ptr<Numbers> numbers(new Numbers(std::move(parts)));
  numbers->Reconfigure(routes, configured, now);
  return numbers;
}

void Numbers::Watch() {
  parts_->watcher = std::thread([parts = parts_.get()] { parts->Watch(); });
}

void Numbers::Reconfigure(const RouteTable& routes, const std::vector<Number>& configured,
                          absl::Time now) {
  std::shared_ptr<const Configuration> made = MakeConfiguration(routes, configured, now);
  {
    MutexLock lock(parts_->mutex);
    parts_->configuration = made;
    parts_->facts.configured = static_cast<int64_t>(configured.size());
  }
  NumberTable table;
  {
    MutexLock lock(parts_->refreshing);
    table = parts_->snapshot.table;
  }
  for (const std::string& bin : table.Bins()) {
    if (made->routes.FindBin(bin) != nullptr) continue;
    Log(LogLevel::kError,
        "numbers of the database name a bin that is not configured: asking it fails as a bad URL "
        "does",
        {{"bin", bin}});
  }
}

NumbersStats Numbers::stats() const {
  MutexLock lock(parts_->mutex);
  return parts_->facts;
}

Answer<IncomingPhoneNumber> Numbers::CreateNumber(const std::string& account_sid,
                                                  absl::string_view type,
                                                  const twilio::Form& fields, absl::Time now) {
  const std::string* const phone_number = FindField(fields, "PhoneNumber");
  if (phone_number != nullptr &&
      parts_->Configured()->routes.FindConfigured(*phone_number) != nullptr) {
    return ReadOnly(*phone_number);
  }
  return parts_->Publish(parts_->store->CreateNumber(account_sid, type, fields, now));
}

Answer<IncomingPhoneNumber> Numbers::FetchNumber(const std::string& account_sid,
                                                 const std::string& sid) {
  const std::shared_ptr<const Configuration> configured = parts_->Configured();
  const IncomingPhoneNumber* const number = parts_->FindConfigured(*configured, sid);
  if (number != nullptr && number->account_sid == account_sid) return *number;
  return parts_->store->FetchNumber(account_sid, sid);
}

Answer<IncomingPhoneNumber> Numbers::UpdateNumber(const std::string& account_sid,
                                                  const std::string& sid,
                                                  const twilio::Form& changes, absl::Time now) {
  if (std::optional<ResourceError> no = parts_->Objection(account_sid, sid)) return *std::move(no);
  return parts_->Publish(parts_->store->UpdateNumber(account_sid, sid, changes, now));
}

Answer<Deleted> Numbers::DeleteNumber(const std::string& account_sid, const std::string& sid,
                                      absl::Time now) {
  const std::shared_ptr<const Configuration> configured = parts_->Configured();
  // One of the database that the configuration has as well may go.
  const IncomingPhoneNumber* const number = parts_->FindConfigured(*configured, sid);
  if (number != nullptr && number->account_sid == account_sid) {
    return ReadOnly(number->phone_number);
  }
  return parts_->Publish(parts_->store->DeleteNumber(account_sid, sid, now));
}

Answer<Page<IncomingPhoneNumber>> Numbers::ListNumbers(const std::string& account_sid,
                                                       const NumberFilter& filter,
                                                       const PageRequest& request) {
  const std::shared_ptr<const Configuration> configured = parts_->Configured();
  const std::optional<NumberPattern> pattern = ReadNumberPattern(filter.phone_number);
  std::vector<const IncomingPhoneNumber*> matching;
  for (const IncomingPhoneNumber& number : configured->numbers) {
    if (number.account_sid == account_sid && pattern.has_value() &&
        Matches(number, filter, *pattern)) {
      matching.push_back(&number);
    }
  }
  const auto size = static_cast<size_t>(request.size);
  Page<IncomingPhoneNumber> page;
  size_t from = 0;
  absl::string_view token = request.token;
  if (absl::ConsumePrefix(&token, kConfiguredToken)) {
    if (!absl::SimpleAtoi(token, &from)) {
      return parts_->store->ListNumbers(account_sid, filter, request);  // which says what is wrong
    }
    page.previous_token =
        from >= size ? absl::StrCat(kConfiguredToken, from - size) : std::string(kOldestStored);
  } else {
    Answer<Page<IncomingPhoneNumber>> stored =
        parts_->store->ListNumbers(account_sid, filter, request);
    if (std::holds_alternative<ResourceError>(stored)) return stored;
    page = std::get<Page<IncomingPhoneNumber>>(std::move(stored));
    const size_t was = page.items.size();
    page.items.erase(
        std::remove_if(page.items.begin(), page.items.end(),
                       [&](const IncomingPhoneNumber& number) {
                         return configured->routes.FindConfigured(number.phone_number) != nullptr;
                       }),
        page.items.end());
    if (!page.next_token.empty()) return page;
    if (was >= size) {  // none fits any more
      if (!matching.empty()) page.next_token = absl::StrCat(kConfiguredToken, 0);
      return page;
    }
  }
  for (; from < matching.size() && page.items.size() < size; ++from) {
    page.items.push_back(*matching[from]);
  }
  if (from < matching.size()) page.next_token = absl::StrCat(kConfiguredToken, from);
  return page;
}

Answer<Application> Numbers::CreateApplication(const std::string& account_sid,
                                               const twilio::Form& fields, absl::Time now) {
  return parts_->Publish(parts_->store->CreateApplication(account_sid, fields, now));
}

Answer<Application> Numbers::FetchApplication(const std::string& account_sid,
                                              const std::string& sid) {
  return parts_->store->FetchApplication(account_sid, sid);
}

Answer<Application> Numbers::UpdateApplication(const std::string& account_sid,
                                               const std::string& sid, const twilio::Form& changes,
                                               absl::Time now) {
  return parts_->Publish(parts_->store->UpdateApplication(account_sid, sid, changes, now));
}

Answer<Deleted> Numbers::DeleteApplication(const std::string& account_sid, const std::string& sid,
                                           absl::Time now) {
  return parts_->Publish(parts_->store->DeleteApplication(account_sid, sid, now));
}

Answer<Page<Application>> Numbers::ListApplications(const std::string& account_sid,
                                                    const ApplicationFilter& filter,
                                                    const PageRequest& request) {
  return parts_->store->ListApplications(account_sid, filter, request);
}

}  // namespace understudy::router
