// The numbers of a router: those of its configuration and those of its database, as one list for
// the REST door and as one table for calls.
#ifndef SERVICES_ROUTER_ROUTES_NUMBERS_H_
#define SERVICES_ROUTER_ROUTES_NUMBERS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/twilio/form.h"
#include "services/router/routes/number_resource.h"
#include "services/router/routes/number_table.h"
#include "services/router/routes/numbers_store.h"
#include "services/router/routes/route_table.h"

namespace understudy::router {

// A number of the configuration as the resource that it is seen as, and why it is not changed.
IncomingPhoneNumber ConfiguredResource(const Number& configured, absl::Time now);
ResourceError NotChangedHere(const std::string& phone_number);

// How often the file is looked at for what other processes have changed.
inline constexpr absl::Duration kNumbersRefreshInterval = absl::Milliseconds(200);

struct NumbersOptions {
  std::string path = {};
  absl::Duration busy_timeout = kNumbersBusyTimeout;
  // Told of each table that takes the place of the one before. From any thread, one at a time.
  std::function<void(const NumberTable&)> publish = {};
  // As NumbersStoreOptions have it.
  std::function<void(absl::Duration took, bool good)> on_write = {};
};

// For metrics.
struct NumbersStats {
  int64_t configured = 0;    // numbers of the configuration
  int64_t stored = 0;        // numbers of the database
  int64_t applications = 0;  // of the database
  int64_t refresh_failures = 0;
  absl::Duration lag = {};  // of the last change: from its commit to the table
  bool is_current = true;   // false: the file could not be read when it was looked at last
};

// As NumbersStore, with the numbers of the configuration: they are listed after all others and
// fetched by their sids, and any change of one of them answers 409 20409 with a sentence that says
// where to change it; so does making one of the same phone number, or changing one that was made
// before the configuration had it. What a write has answered counts for the next call. From any
// thread.
class Numbers {
 public:
  // Opens the file and reads it; publishes the table. As NumbersStore::Open(). Does not look for
  // changes of others before Watch().
  static absl::StatusOr<std::unique_ptr<Numbers>> Open(NumbersOptions options,
                                                       const RouteTable& routes,
                                                       const std::vector<Number>& configured,
                                                       absl::Time now);
  ~Numbers();
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;

  // Follows what other processes change, within a second, on a thread of its own. Once.
  void Watch();

  // The configuration was read anew: its accounts, its bins (`routes`) and its numbers. Says in the
  // log which bins stored numbers name that are not there.
  void Reconfigure(const RouteTable& routes, const std::vector<Number>& configured, absl::Time now);

  // Of the last table published, and what is configured now.
  NumbersStats stats() const;

  Answer<IncomingPhoneNumber> CreateNumber(const std::string& account_sid, absl::string_view type,
                                           const twilio::Form& fields, absl::Time now);
  Answer<IncomingPhoneNumber> FetchNumber(const std::string& account_sid, const std::string& sid);
  Answer<IncomingPhoneNumber> UpdateNumber(const std::string& account_sid, const std::string& sid,
                                           const twilio::Form& changes, absl::Time now);
  Answer<Deleted> DeleteNumber(const std::string& account_sid, const std::string& sid,
                               absl::Time now);
  Answer<Page<IncomingPhoneNumber>> ListNumbers(const std::string& account_sid,
                                                const NumberFilter& filter,
                                                const PageRequest& request);

  Answer<Application> CreateApplication(const std::string& account_sid, const twilio::Form& fields,
                                        absl::Time now);
  Answer<Application> FetchApplication(const std::string& account_sid, const std::string& sid);
  Answer<Application> UpdateApplication(const std::string& account_sid, const std::string& sid,
                                        const twilio::Form& changes, absl::Time now);
  Answer<Deleted> DeleteApplication(const std::string& account_sid, const std::string& sid,
                                    absl::Time now);
  Answer<Page<Application>> ListApplications(const std::string& account_sid,
                                             const ApplicationFilter& filter,
                                             const PageRequest& request);

 private:
  struct Parts;
  explicit Numbers(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBERS_H_
