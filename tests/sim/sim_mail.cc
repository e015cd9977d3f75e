#include "tests/sim/sim_mail.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace understudy::testing {

using absl::string_view;
using notifier::OutgoingMail;
using notifier::SendReason;
using notifier::SendResult;
using notifier::SendState;

SendResult SimMail::Send(const OutgoingMail& mail) {
  SendResult result = script_ ? script_(mail) : testing::Accepted();
  attempts_.push_back({.at = clock_, .mail = mail, .result = result});
  return result;
}

std::vector<SimMail::Attempt> SimMail::Accepted(string_view recipient) const {
  std::vector<Attempt> accepted;
  for (const Attempt& attempt : attempts_) {
    if (attempt.result.state == SendState::kAccepted &&
        (recipient.empty() || attempt.mail.recipient == recipient)) {
      accepted.push_back(attempt);
    }
  }
  return accepted;
}

SendResult Accepted() {
  return {.state = SendState::kAccepted, .reply = "250 2.0.0 queued"};
}

SendResult Refused(SendState state, SendReason reason) {
  return {.state = state, .reason = reason, .detail = "the server said no", .reply = "x50 no"};
}

SendResult ServerDown() {
  return {.state = SendState::kTemporary,
          .reason = SendReason::kConnectFailed,
          .detail = "nobody listens",
          .server_failed = true};
}

SendResult NoReply() {
  return {.state = SendState::kAmbiguous,
          .reason = SendReason::kConnectionLost,
          .detail = "no reply to the end of the mail"};
}

std::string HeaderOf(string_view mail, string_view name) {
  const string_view head = mail.substr(0, mail.find("\r\n\r\n"));
  const std::string unfolded = absl::StrReplaceAll(head, {{"\r\n ", " "}, {"\r\n\t", " "}});
  for (string_view line : absl::StrSplit(unfolded, "\r\n")) {
    if (absl::ConsumePrefix(&line, name) && absl::ConsumePrefix(&line, ": ")) {
      return std::string(line);
    }
  }
  return "";
}

std::string TextOf(string_view mail) {
  const size_t part = mail.find("Content-Type: text/plain");
  const size_t begin = mail.find("\r\n\r\n", part) + 4;
  string_view body = mail.substr(begin, mail.find("\r\n--", begin) - begin);
  std::string text;
  if (absl::StrContains(mail.substr(part, begin - part), "base64")) {
    if (!absl::Base64Unescape(absl::StrReplaceAll(body, {{"\r\n", ""}}), &text)) std::abort();
  } else {
    const std::string joined = absl::StrReplaceAll(body, {{"=\r\n", ""}});
    for (size_t i = 0; i < joined.size(); ++i) {
      if (joined[i] == '=') {
        text += absl::HexStringToBytes(joined.substr(i + 1, 2));
        i += 2;
      } else {
        text += joined[i];
      }
    }
  }
  return absl::StrReplaceAll(text, {{"\r\n", "\n"}});
}

int64_t NewEventsIn(string_view mail) {
  const std::string text = TextOf(mail);
  for (string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "  New ")) continue;
    line = absl::StripLeadingAsciiWhitespace(line);
    int64_t count = 0;
    if (absl::SimpleAtoi(absl::StrReplaceAll(line.substr(0, line.find(' ')), {{",", ""}}),
                         &count)) {
      return count;
    }
  }
  return 0;
}

}  // namespace understudy::testing
