#include "tests/router/faults/fault_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "common/serving/monotonic_clock.h"
#include "common/twilio/form.h"
#include "common/twilio/url.h"
#include "services/router/resolve/resolve.h"
#include "tests/testing/require.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using router::Kind;
using router::RetrievalCodes;
using serving::MonotonicNow;

constexpr char kAccountSid[] = "AC00000000000000000000000000000001";
constexpr char kCallSid[] = "CA00000000000000000000000000000001";
constexpr char kMessageSid[] = "SM00000000000000000000000000000001";

// An outcome on its way from the fetcher's thread to the test's.
class OutcomeBox {
 public:
  void Put(router::Outcome outcome) {
    MutexLock lock(mutex_);
    outcome_ = std::move(outcome);
    came_.NotifyAll();
  }

  router::Outcome Take() {
    MutexLock lock(mutex_);
    Require(came_.WaitFor(mutex_, absl::ToChronoNanoseconds(kHangs),
                          [&]() REQUIRES(mutex_) { return outcome_.has_value(); }),
            "a call ends");
    return *std::move(outcome_);
  }

 private:
  Mutex mutex_;
  CondVar came_;
  std::optional<router::Outcome> outcome_ GUARDED_BY(mutex_);
};

twilio::Parameter SidOf(Kind kind) {
  return kind == Kind::kVoice ? twilio::Parameter{"CallSid", kCallSid}
                              : twilio::Parameter{"MessageSid", kMessageSid};
}

router::Ticket NextTicket() {
  static std::atomic<router::Ticket> next = 1;
  return next++;
}

void ExpectFaultIn(const Answer& answer, const ExpectedFault& fault, int code,
                   const std::string& error_url, Kind kind) {
  const router::Outcome& outcome = answer.outcome;
  EXPECT_EQ(outcome.source, router::Source::kFallback);
  EXPECT_EQ(outcome.document, kFallbackDocument);

  ASSERT_EQ(outcome.faults.size(), 1u);
  const router::Fault& seen = outcome.faults[0];
  EXPECT_EQ(seen.code, code);
  EXPECT_EQ(seen.target, router::Target::kPrimary);
  EXPECT_EQ(seen.url, error_url);
  EXPECT_EQ(static_cast<int>(seen.phase), static_cast<int>(fault.phase)) << seen.detail;
  EXPECT_EQ(seen.http_status, fault.http_status);
  EXPECT_THAT(seen.detail, ::testing::HasSubstr(fault.detail));
  EXPECT_NE(seen.detail, "");
  EXPECT_EQ(seen.attempts, fault.attempts);
  EXPECT_GE(seen.elapsed, fault.no_sooner);
  EXPECT_LE(seen.elapsed, fault.no_later + kSlack);

  ASSERT_EQ(outcome.attempts.size(), static_cast<size_t>(fault.attempts) + 1);
  EXPECT_EQ(outcome.attempts.back().target, router::Target::kFallback);
  EXPECT_EQ(outcome.attempts.back().error_code, 0);
  if (fault.attempts > 0) {
    const router::Attempt& failed = outcome.attempts[outcome.attempts.size() - 2];
    EXPECT_EQ(failed.target, router::Target::kPrimary);
    EXPECT_EQ(failed.error_code, code);
    EXPECT_EQ(static_cast<int>(failed.phase), static_cast<int>(fault.phase));
  }

  ASSERT_EQ(answer.fallback_requests.size(), 1u);
  const twilio::Form form = twilio::DecodeForm(answer.fallback_requests[0].body);
  EXPECT_THAT(form, ::testing::Contains(SidOf(kind)));
  EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{"ErrorCode", absl::StrCat(code)}));
  EXPECT_THAT(form, ::testing::Contains(twilio::Parameter{"ErrorUrl", error_url}));
}

}  // namespace

const TestAuthority& TestRoot() {
  static const auto* root = new TestAuthority();
  return *root;
}

Certificate GoodCertificate() {
  return TestRoot().Issue({.dns_names = {"localhost"}, .ip_addresses = {"127.0.0.1", "::1"}});
}

router::FetcherOptions OpenLoopback() {
  return ShutLoopback({"127.0.0.0/8", "::1"});
}

router::FetcherOptions ShutLoopback(const std::vector<std::string>& open) {
  static const TempDir dir;
  static const std::string ca_file = TestRoot().WriteCaFile(dir.path());
  router::FetcherOptions options{.ca_file = ca_file};
  options.egress.allow.push_back(*router::ParseCidr(kFallbackHost));
  for (const std::string& cidr : open) options.egress.allow.push_back(*router::ParseCidr(cidr));
  return options;
}

FaultWorld::FaultWorld(router::FetcherOptions options) : fallback_({.host = kFallbackHost}) {
  fallback_.OnAny(Reply{.body = kFallbackDocument});
  auto fetcher = router::CurlFetcher::Start(std::move(options));
  Require(fetcher.ok(), fetcher.status().ToString());
  fetcher_ = *std::move(fetcher);
}

Answer FaultWorld::Resolve(const std::string& url, const Asking& asking) {
  const size_t requests_before = fallback_.requests().size();
  const router::Ticket ticket = NextTicket();
  auto route = std::make_shared<router::Route>();
  route->handler.primary = {.url = url, .method = asking.method};
  route->handler.fallback = router::Endpoint{.url = fallback_.url(asking.fallback_target),
                                             .method = asking.fallback_method};
  route->auth_token = Secret("12345");
  route->default_document = std::make_shared<const std::string>(kDefaultDocument);
  route->codes = asking.codes;
  router::Call call{.id = absl::StrCat("call-", ticket),
                    .kind = asking.kind,
                    .account_sid = kAccountSid,
                    .parameters = {SidOf(asking.kind), {"From", "+14155550100"}}};

  call.parameters.insert(call.parameters.end(), asking.parameters.begin(), asking.parameters.end());

  const auto box = std::make_shared<OutcomeBox>();
  const absl::Time begun_at = MonotonicNow();
  router::Resolve(*fetcher_, std::make_shared<router::Cancellation>(ticket), std::move(call),
                  std::move(route), asking.limits, begun_at,
                  [box](router::Call&, router::Outcome& outcome) { box->Put(std::move(outcome)); });
  Answer answer{.outcome = box->Take(), .took = MonotonicNow() - begun_at};
  const std::vector<Request> requests = fallback_.requests();
  answer.fallback_requests.assign(requests.begin() + static_cast<std::ptrdiff_t>(requests_before),
                                  requests.end());
  return answer;
}

void FaultWorld::ExpectFallback(const std::string& url, const ExpectedFault& fault, Asking asking) {
  const std::string error_url = fault.error_url.empty() ? twilio::RedactUrl(url) : fault.error_url;
  for (const RetrievalCodes codes : {RetrievalCodes::kClassic, RetrievalCodes::kSpecific}) {
    const bool classic = codes == RetrievalCodes::kClassic;
    SCOPED_TRACE(classic ? "classic codes" : "specific codes");
    asking.codes = codes;
    const int code = classic || fault.specific == 0 ? fault.classic : fault.specific;
    ExpectFaultIn(Resolve(url, asking), fault, code, error_url, asking.kind);
  }
}

Answer FaultWorld::ExpectPrimary(const std::string& url, const Asking& asking,
                                 absl::string_view document) {
  Answer answer = Resolve(url, asking);
  const router::Outcome& outcome = answer.outcome;
  EXPECT_EQ(outcome.source, router::Source::kPrimary)
      << (outcome.faults.empty() ? "" : outcome.faults[0].detail);
  EXPECT_EQ(outcome.document, document);
  EXPECT_TRUE(outcome.faults.empty());
  EXPECT_TRUE(answer.fallback_requests.empty());
  return answer;
}

}  // namespace understudy::testing
