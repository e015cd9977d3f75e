// The stage of the fault tables: a call resolved over a real fetcher, with a primary that has the
// row's fault and a healthy fallback beside it. No gRPC, so that the thread sanitizer sees it all.
#ifndef TESTS_ROUTER_FAULTS_FAULT_WORLD_H_
#define TESTS_ROUTER_FAULTS_FAULT_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/twilio/form.h"
#include "services/router/fetch/curl_fetcher.h"
#include "services/router/resolve/call.h"
#include "tests/testing/certificates.h"
#include "tests/testing/origin.h"

namespace understudy::testing {

// Valid for calls and messages, and tell who wrote them.
inline constexpr char kPrimaryDocument[] = "<Response><!-- primary --></Response>";
inline constexpr char kFallbackDocument[] = "<Response><!-- fallback --></Response>";
inline constexpr char kDefaultDocument[] = "<Response><!-- default --></Response>";

// The root that worlds trust; one for the process.
const TestAuthority& TestRoot();
// A certificate from it for 127.0.0.1, ::1 and localhost.
Certificate GoodCertificate();

// Where a world's fallback lives, so that it may be dialled when the rest of loopback may not.
inline constexpr char kFallbackHost[] = "127.0.0.99";

// A fetcher that may dial loopback, and trusts TestRoot() alone.
router::FetcherOptions OpenLoopback();
// The same with loopback shut, as it is by default, but for the fallback and `open` (CIDRs).
router::FetcherOptions ShutLoopback(const std::vector<std::string>& open = {});

// How a call is made, besides the primary's URL.
struct Asking {
  router::Kind kind = router::Kind::kVoice;
  router::Method method = router::Method::kPost;
  router::RetrievalCodes codes = router::RetrievalCodes::kClassic;
  router::Limits limits = {};
  twilio::Form parameters = {};               // besides those every call has
  std::string fallback_target = "/fallback";  // path and query, on the fallback's server
  router::Method fallback_method = router::Method::kPost;
};

// How it ended.
struct Answer {
  router::Outcome outcome = {};
  absl::Duration took = {};
  std::vector<Request> fallback_requests = {};  // of this call
};

// What a row says of the primary's failure.
struct ExpectedFault {
  int classic = 0;
  int specific = 0;  // 0: the same
  router::Phase phase = router::Phase::kNone;
  std::string detail = {};  // words of the sentence that explains it
  int http_status = 0;
  int attempts = 1;            // requests made for the primary: retries and redirects included
  std::string error_url = {};  // empty: the primary's URL without its fragment
  // How long the primary may have kept us; kSlack is added to the latter.
  absl::Duration no_sooner = absl::ZeroDuration();
  absl::Duration no_later = absl::Seconds(15);
};

// What a busy machine may add to a time.
inline constexpr absl::Duration kSlack = absl::Seconds(1);
// After so long a call hangs, which ends the process.
inline constexpr absl::Duration kHangs = absl::Seconds(40);

class FaultWorld {
 public:
  // Ends the process if the fetcher does not start.
  explicit FaultWorld(router::FetcherOptions options = OpenLoopback());

  // A healthy server: answers every path on kFallbackHost with kFallbackDocument.
  Origin& fallback() { return fallback_; }
  router::CurlFetcher& fetcher() { return *fetcher_; }

  // Resolves a call whose primary is `url` and waits for the outcome.
  Answer Resolve(const std::string& url, const Asking& asking = {});

  // Resolves under either set of codes and expects the fault, and that the fallback heard of it
  // and answered.
  void ExpectFallback(const std::string& url, const ExpectedFault& fault, Asking asking = {});
  // Resolves and expects the primary's document; the fallback heard nothing.
  Answer ExpectPrimary(const std::string& url, const Asking& asking = {},
                       absl::string_view document = kPrimaryDocument);

 private:
  Origin fallback_;
  std::unique_ptr<router::CurlFetcher> fetcher_;
};

}  // namespace understudy::testing

#endif  // TESTS_ROUTER_FAULTS_FAULT_WORLD_H_
