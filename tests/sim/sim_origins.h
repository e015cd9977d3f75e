// A world of web servers in virtual time: what each answers is scripted, and an hour passes in no
// time. Everything happens on the test's thread.
#ifndef TESTS_SIM_SIM_ORIGINS_H_
#define TESTS_SIM_SIM_ORIGINS_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/router/resolve/call.h"
#include "services/router/resolve/fetcher.h"

namespace understudy::testing {

class SimOrigins : public router::Fetcher {
 public:
  // What a web server does with one request.
  struct Answer {
    router::Reply reply = {};
    absl::Duration delay = absl::Milliseconds(20);
  };

  // One request as it was made.
  struct Request {
    router::Ticket ticket = 0;
    router::Exchange exchange = {};
    absl::Time at = {};
  };

  // `url` without its query is answered by `answers` in turn, then by the last again and again. A
  // URL without a script has no server: its name is not found.
  void Script(absl::string_view url, std::vector<Answer> answers);
  void Script(absl::string_view url, router::Reply reply) { Script(url, {{.reply = reply}}); }

  // An answer that is due later than the exchange's read timeout or its give_up_at becomes that
  // failure at that time.
  void Fetch(router::Ticket ticket, router::Exchange exchange, Done done) override;
  void Cancel(router::Ticket ticket) override;

  // Delivers the next answer in order of (due time, submission), at its time; false if none is due.
  bool RunNext();
  // Until no answer is due any more.
  void RunUntilIdle();

  absl::Time Now() const { return now_; }
  const std::vector<Request>& requests() const { return requests_; }
  // Those whose URL without its query is `url`, in order.
  std::vector<Request> RequestsTo(absl::string_view url) const;

 private:
  struct Due {
    router::Ticket ticket = 0;
    absl::Time at = {};
    router::Reply reply = {};
    Done done = {};
  };
  struct Scripted {
    std::vector<Answer> answers = {};
    size_t next = 0;
  };

  std::map<std::string, Scripted> scripts_;
  std::vector<Due> due_;  // in order of submission
  std::vector<Request> requests_;
  absl::Time now_ = absl::UnixEpoch();
};

}  // namespace understudy::testing

#endif  // TESTS_SIM_SIM_ORIGINS_H_
