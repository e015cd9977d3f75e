// A mail as Python's email package reads it: a second opinion on the bytes we send.
#ifndef TESTS_NOTIFIER_MAIL_PARSED_MAIL_H_
#define TESTS_NOTIFIER_MAIL_PARSED_MAIL_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace understudy::testing {

struct ParsedPart {
  std::string type = {};  // "text/plain"
  std::string charset = {};
  std::string encoding = {};
  std::string text = {};  // decoded, UTF-8, LF line ends
};

using NameAndAddress = std::pair<std::string, std::string>;

struct ParsedMail {
  std::vector<std::pair<std::string, std::string>> headers = {};  // decoded, in order
  std::string type = {};
  std::vector<NameAndAddress> from = {};
  std::vector<NameAndAddress> to = {};
  std::string date = {};                  // "2026-11-24T06:15:00+00:00"
  std::vector<std::string> defects = {};  // whatever the parser holds against it
  std::vector<ParsedPart> parts = {};     // the leaves

  std::string header(absl::string_view name) const;  // "" if it has none
  std::vector<std::string> header_names() const;
};

// One for each of `mails`. Ends the process if Python cannot be run or the parser gives up.
std::vector<ParsedMail> ParseMails(const std::vector<std::string>& mails);
ParsedMail ParseMail(const std::string& mail);

}  // namespace understudy::testing

#endif  // TESTS_NOTIFIER_MAIL_PARSED_MAIL_H_
