#include "common/serving/request_check.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace understudy::serving {
namespace {

using absl::string_view;

constexpr Refusal kBadTarget = {400, "The request target is not a path."};
constexpr Refusal kBadLength = {400, "The Content-Length is not one number."};
constexpr Refusal kBadCoding = {400, "The Transfer-Encoding is not chunked, once and alone."};
constexpr Refusal kBadHost = {400, "The request needs one Host, and a good one."};
constexpr Refusal kBodyTooLarge = {413, "The request's body is too large."};
constexpr Refusal kEncodedBody = {415, "Encoded bodies are not understood; send it as it is."};
constexpr Refusal kBadExpectation = {417, "Nothing can be expected here but 100-continue."};

std::vector<string_view> ValuesOf(const HttpHeaders& headers, string_view name) {
  std::vector<string_view> values;
  for (const HttpHeader& header : headers) {
    if (absl::EqualsIgnoreCase(header.name, name)) values.emplace_back(header.value);
  }
  return values;
}

bool IsDigits(string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

// Names, addresses and ports; no more of what RFC 3986 allows than anyone uses. A comma would be
// two Hosts that some proxy joined.
bool IsHost(string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains("-._~%[]:", string_view(&c, 1));
  });
}

// "/path?query", or the whole URL as proxies are sent it. False for anything else.
bool SplitTarget(string_view method, string_view target, Framing& framing) {
  if (target == "*") {
    framing.path = "*";
    return method == "OPTIONS";
  }
  if (!absl::StartsWith(target, "/")) {
    if (absl::StartsWithIgnoreCase(target, "http://")) {
      target.remove_prefix(7);
    } else if (absl::StartsWithIgnoreCase(target, "https://")) {
      target.remove_prefix(8);
    } else {
      return false;
    }
    const size_t host_bytes = std::min(target.find_first_of("/?"), target.size());
    if (!IsHost(target.substr(0, host_bytes))) return false;
    target.remove_prefix(host_bytes);
  }
  const size_t question_mark = std::min(target.find('?'), target.size());
  framing.path = std::string(target.substr(0, question_mark));
  if (framing.path.empty()) framing.path = "/";
  if (question_mark < target.size()) framing.query = std::string(target.substr(question_mark + 1));
  return true;
}

std::optional<Refusal> CheckBodyLength(int minor_version, const HttpHeaders& headers,
                                       const RequestLimits& limits, Framing& framing) {
  const std::vector<string_view> lengths = ValuesOf(headers, "Content-Length");
  const std::vector<string_view> codings = ValuesOf(headers, "Transfer-Encoding");
  if (!codings.empty()) {
    if (codings.size() > 1 || !absl::EqualsIgnoreCase(codings[0], "chunked")) return kBadCoding;
    // HTTP/1.0 has no chunks: whoever relayed this did not know what it was.
    if (minor_version == 0 || !lengths.empty()) return kBadCoding;
    framing.is_chunked = true;
    return std::nullopt;
  }
  if (lengths.empty()) return std::nullopt;
  if (lengths.size() > 1 || !IsDigits(lengths[0])) return kBadLength;
  uint64_t length = 0;
  if (!absl::SimpleAtoi(lengths[0], &length) || length > limits.body_bytes) return kBodyTooLarge;
  framing.body_bytes = length;
  return std::nullopt;
}

}  // namespace

HeadScanner::State HeadScanner::Refuse(int status, string_view reason) {
  refusal_ = {.status = status, .reason = reason};
  return State::kRefused;
}

HeadScanner::State HeadScanner::EndLine() {
  const bool is_empty = at_ - line_begin_ == 2;
  line_begin_ = at_;
  if (!is_empty) {
    // The request line is one more.
    if (++lines_ <= limits_.headers + 1) return State::kMore;
    return Refuse(431, "The request has too many headers.");
  }
  if (lines_ > 0) return State::kWhole;
  // Some clients end a body with one line end too many.
  if (begin_ > 0) return Refuse(400, "The request begins with empty lines.");
  begin_ = at_;
  return State::kMore;
}

HeadScanner::State HeadScanner::Scan(string_view head) {
  while (at_ < head.size()) {
    if (at_ == limits_.head_bytes) {
      return lines_ == 0 ? Refuse(414, "The request line is too long.")
                         : Refuse(431, "The request's headers are too large.");
    }
    const char c = head[at_];
    if (after_cr_ != (c == '\n')) return Refuse(400, "A line does not end with CRLF.");
    if (c == '\n') {
      after_cr_ = false;
      ++at_;
      if (const State state = EndLine(); state != State::kMore) return state;
      continue;
    }
    after_cr_ = c == '\r';
    if (!after_cr_ && c != '\t' && absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return Refuse(400, "The request's head has a control character.");
    }
    if (at_ == line_begin_ && (c == ' ' || c == '\t')) {
      return Refuse(400, "A line begins with white space.");
    }
    ++at_;
  }
  return State::kMore;
}

std::variant<Framing, Refusal> CheckHead(int minor_version, string_view method, string_view target,
                                         const HttpHeaders& headers, const RequestLimits& limits) {
  Framing framing;
  if (!SplitTarget(method, target, framing)) return kBadTarget;
  const std::vector<string_view> hosts = ValuesOf(headers, "Host");
  if (hosts.size() > 1 || (hosts.empty() && minor_version > 0)) return kBadHost;
  if (!hosts.empty() && !IsHost(hosts[0])) return kBadHost;
  if (const std::optional<Refusal> refusal =
          CheckBodyLength(minor_version, headers, limits, framing)) {
    return *refusal;
  }
  for (const string_view expectation : ValuesOf(headers, "Expect")) {
    if (!absl::EqualsIgnoreCase(expectation, "100-continue")) return kBadExpectation;
    framing.expects_continue = framing.has_body() && minor_version > 0;
  }
  if (!framing.has_body()) return framing;
  for (const string_view coding : ValuesOf(headers, "Content-Encoding")) {
    if (!absl::EqualsIgnoreCase(coding, "identity")) return kEncodedBody;
  }
  return framing;
}

}  // namespace understudy::serving
