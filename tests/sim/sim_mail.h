// A mail server in virtual time: keeps what it got, and fails by script.
#ifndef TESTS_SIM_SIM_MAIL_H_
#define TESTS_SIM_SIM_MAIL_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/notifier/mail/mailer.h"

namespace understudy::testing {

// From one thread.
class SimMail : public notifier::Mailer {
 public:
  struct Attempt {
    absl::Time at = {};  // when it ended
    notifier::OutgoingMail mail = {};
    notifier::SendResult result = {};
  };
  // What becomes of a mail; it may let time pass.
  using Script = std::function<notifier::SendResult(const notifier::OutgoingMail&)>;

  // Reads `clock` when an attempt ends. It must outlive this.
  explicit SimMail(const absl::Time& clock) : clock_(clock) {}

  // From the next mail on; null: every mail is accepted.
  void Answer(Script script) { script_ = std::move(script); }

  notifier::SendResult Send(const notifier::OutgoingMail& mail) override;

  const std::vector<Attempt>& attempts() const { return attempts_; }
  // The accepted ones, in order; of one recipient alone if `recipient` is not empty.
  std::vector<Attempt> Accepted(absl::string_view recipient = "") const;
  void Forget() { attempts_.clear(); }

 private:
  const absl::Time& clock_;
  Script script_;
  std::vector<Attempt> attempts_;
};

notifier::SendResult Accepted();
// The server is there, and does not take this mail now, or never.
notifier::SendResult Refused(notifier::SendState state, notifier::SendReason reason);
// Nobody is there.
notifier::SendResult ServerDown();
// The mail was sent to its end, and no reply came.
notifier::SendResult NoReply();

// Of a mail as BuildMail makes it: one of its headers, unfolded, and its text.
std::string HeaderOf(absl::string_view mail, absl::string_view name);
std::string TextOf(absl::string_view mail);
// How many events it tells that were not told before; 0 if it says nothing of that.
int64_t NewEventsIn(absl::string_view mail);

}  // namespace understudy::testing

#endif  // TESTS_SIM_SIM_MAIL_H_
