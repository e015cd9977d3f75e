// The numbers of a router: those of its configuration and those of its database, as one list for
// the REST door and as one table for calls.
#ifndef SERVICES_ROUTER_ROUTES_NUMBERS_H_
#define SERVICES_ROUTER_ROUTES_NUMBERS_H_

#include <string>

#include "services/router/routes/numbers_store.h"

namespace understudy::router {

// The same as NumbersStore, and the numbers of the configuration: they are listed after all others,
// fetched by their sids, and any change of them answers 409 20409 with a sentence that says where
// to change them; so does making one of the same phone number. What a write has answered counts for
// the next call. From any thread.
class Numbers {
 public:
  Answer<IncomingPhoneNumber> CreateNumber(const std::string& account_sid, absl::string_view type,
                                           const twilio::Form& fields, absl::Time now);
  Answer<IncomingPhoneNumber> FetchNumber(const std::string& account_sid, const std::string& sid);
  Answer<IncomingPhoneNumber> UpdateNumber(const std::string& account_sid, const std::string& sid,
                                           const twilio::Form& changes, absl::Time now);
  Answer<Deleted> DeleteNumber(const std::string& account_sid, const std::string& sid,
                               absl::Time now);
  Answer<Page<IncomingPhoneNumber>> ListNumbers(const std::string& account_sid,
                                                const NumberFilter& filter,
                                                const PageRequest& page);

  Answer<Application> CreateApplication(const std::string& account_sid, const twilio::Form& fields,
                                        absl::Time now);
  Answer<Application> FetchApplication(const std::string& account_sid, const std::string& sid);
  Answer<Application> UpdateApplication(const std::string& account_sid, const std::string& sid,
                                        const twilio::Form& changes, absl::Time now);
  Answer<Deleted> DeleteApplication(const std::string& account_sid, const std::string& sid,
                                    absl::Time now);
  Answer<Page<Application>> ListApplications(const std::string& account_sid,
                                             const ApplicationFilter& filter,
                                             const PageRequest& page);
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBERS_H_
