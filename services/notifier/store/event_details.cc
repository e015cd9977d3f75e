#include "services/notifier/store/event_details.h"

#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/twilio/form.h"

namespace understudy::notifier {
namespace {

// Numbers that are on disks, as in rows.cc.
static_assert(static_cast<int>(Method::kUnspecified) == 0 && static_cast<int>(Method::kGet) == 1 &&
              static_cast<int>(Method::kPost) == 2);

class Writer {
 public:
  void Text(const char* name, const std::string& value) {
    if (!value.empty()) form_.push_back({.name = name, .value = value});
  }
  void Number(const char* name, int64_t value) {
    if (value != 0) form_.push_back({.name = name, .value = absl::StrCat(value)});
  }
  void Duration(const char* name, absl::Duration value) {
    Number(name, absl::ToInt64Nanoseconds(value));
  }
  std::string line() const { return twilio::EncodeForm(form_); }

 private:
  twilio::Form form_;
};

class Reader {
 public:
  explicit Reader(absl::string_view line) : form_(twilio::DecodeForm(line)) {}

  std::string Text(const char* name) const {
    const std::string* value = twilio::FindParameter(form_, name);
    return value == nullptr ? std::string() : *value;
  }
  int64_t Number(const char* name) const {
    int64_t number = 0;
    return absl::SimpleAtoi(Text(name), &number) ? number : 0;
  }
  absl::Duration Duration(const char* name) const { return absl::Nanoseconds(Number(name)); }
  template <typename Enum>
  Enum Word(const char* name, Enum last) const {
    const int64_t number = Number(name);
    return static_cast<Enum>(number >= 0 && number <= static_cast<int64_t>(last) ? number : 0);
  }

 private:
  const twilio::Form form_;
};

}  // namespace

bool HasDetails(const Event& event) {
  return event.request_method != Method::kUnspecified || !event.parameters.empty() ||
         !event.attempts.empty() || !event.request_headers.empty() ||
         !event.response_headers.empty();
}

std::string EncodeAttempts(const std::vector<Attempt>& attempts) {
  std::string text;
  for (const Attempt& attempt : attempts) {
    Writer writer;
    writer.Text("url", attempt.url);
    writer.Number("method", static_cast<int64_t>(attempt.method));
    writer.Text("remote_address", attempt.remote_address);
    writer.Number("http_status", attempt.http_status);
    writer.Number("error_code", attempt.error_code);
    writer.Number("phase", static_cast<int64_t>(attempt.phase));
    writer.Text("detail", attempt.detail);
    writer.Duration("dns", attempt.dns);
    writer.Duration("connect", attempt.connect);
    writer.Duration("tls", attempt.tls);
    writer.Duration("first_byte", attempt.first_byte);
    writer.Duration("total", attempt.total);
    absl::StrAppend(&text, writer.line(), "\n");
  }
  return text;
}

std::vector<Attempt> DecodeAttempts(absl::string_view text) {
  std::vector<Attempt> attempts;
  while (!text.empty()) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(text, absl::MaxSplits('\n', 1));
    const Reader reader(parts.first);
    attempts.push_back({.url = reader.Text("url"),
                        .method = reader.Word("method", Method::kPost),
                        .remote_address = reader.Text("remote_address"),
                        .http_status = static_cast<int>(reader.Number("http_status")),
                        .error_code = static_cast<int>(reader.Number("error_code")),
                        .phase = reader.Word("phase", Phase::kParse),
                        .detail = reader.Text("detail"),
                        .dns = reader.Duration("dns"),
                        .connect = reader.Duration("connect"),
                        .tls = reader.Duration("tls"),
                        .first_byte = reader.Duration("first_byte"),
                        .total = reader.Duration("total")});
    text = parts.second;
  }
  return attempts;
}

}  // namespace understudy::notifier
