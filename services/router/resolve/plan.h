// What one call does next. Starts nothing, waits for nothing, reads no clock: replies go in; an
// exchange to make, or the outcome, comes out. Not thread-safe: one thread at a time.
// Source: Twilio, "Availability and Reliability" (fallback), "Webhooks: Connection Overrides"
// (retries and times), "Security" (credentials), "Getting Started with Twilio Webhooks" (cookies).
#ifndef SERVICES_ROUTER_RESOLVE_PLAN_H_
#define SERVICES_ROUTER_RESOLVE_PLAN_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "common/twilio/url.h"
#include "services/router/resolve/call.h"
#include "services/router/resolve/challenge.h"
#include "services/router/resolve/overrides.h"
#include "services/router/resolve/request.h"

namespace understudy::router {

struct Failure;

using Step = std::variant<Exchange, Outcome>;

// The least share of the time before a caller's deadline that the primary gets when the fallback
// could not have its full time too.
inline constexpr double kPrimaryShare = 0.6;

class Plan {
 public:
  Plan(Call call, std::shared_ptr<const Route> route, const Limits& limits);

  // The first step. REQUIRES: called once, first.
  Step Begin(absl::Time now);

  // The step after `reply`, whose finished_at is now. REQUIRES: the last step was an Exchange.
  Step OnReply(const Reply& reply);

  Call& call() { return call_; }

 private:
  // The fetch of one target: its hops, its tries, its time.
  struct Fetch {
    Target target = Target::kPrimary;
    twilio::Url url = {};        // of the current hop
    std::string error_url = {};  // the same as it is reported: nothing added, nothing secret
    Method method = Method::kPost;
    std::optional<twilio::Form> own_parameters = {};  // where they are not the call's
    Overrides overrides = {};
    bool authorized = false;  // the current request carries Authorization
    RequestContext context = {};
    int retries_made = 0;
    int redirects_made = 0;
    int requests_made = 0;
    absl::Time begun_at = {};
    absl::Time ends_at = {};
  };

  // Credentials for an origin. Those a URL brought are for the fetch of that URL; those the origin
  // accepted are for the rest of the call.
  struct Login {
    std::string origin = {};
    Credentials credentials = {};
    std::optional<Challenge> challenge = {};  // what the origin asked for
    int uses = 0;                             // of the challenge's nonce
    bool accepted = false;
    bool asked_now = false;  // the challenge came in this fetch
  };

  Step BeginTarget(Target target, absl::Time now);
  Step AnswerFromBin(const Endpoint& endpoint, absl::Time now);
  Step NextExchange();
  Step FollowRedirect(const Reply& reply, const std::string& location, bool keep_method);
  Step Fail(const Failure& failure, const Reply& reply);
  Evidence TakeEvidence(Headers response_headers);
  Step LeaveTarget(Fault fault, absl::Time now);
  Step Finish(Source source, std::string document, std::string document_url);

  bool AnswerChallenge(const Reply& reply);
  void TakeLogin(const twilio::Url& url);
  Login* FindLogin(const std::string& origin);
  Session SessionNow() const;
  void Remember(const Reply& reply);
  bool MayRetry(const Failure& failure, absl::Time now) const;
  absl::Duration TimeFor(Target target, const Overrides& overrides, absl::Time now) const;
  // What the requests of this fetch say.
  const twilio::Form& Parameters() const;

  Call call_;
  const std::shared_ptr<const Route> route_;
  const Limits limits_;
  Fetch fetch_;
  std::vector<Login> logins_;  // one for an origin
  Cookies cookies_;
  Outcome outcome_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_PLAN_H_
