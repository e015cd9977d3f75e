#include "common/serving/http_message.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy::serving {
namespace {

constexpr absl::string_view kWrittenByUs[] = {"Connection", "Content-Length", "Content-Type",
                                              "Date", "Transfer-Encoding"};
constexpr absl::string_view kNoSniff = "X-Content-Type-Options";

// Visible characters, blanks, tabs and whatever is past ASCII.
bool IsFieldValue(absl::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

absl::string_view ReasonPhrase(int status) {
  const auto known = boost::beast::http::int_to_status(static_cast<unsigned>(status));
  const boost::beast::string_view phrase = boost::beast::http::obsolete_reason(known);
  return {phrase.data(), phrase.size()};
}

}  // namespace

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::StrContains("!#$%&'*+-.^_`|~", absl::string_view(&c, 1));
  });
}

const std::string* FindHeader(const HttpHeaders& headers, absl::string_view name) {
  for (const HttpHeader& header : headers) {
    if (absl::EqualsIgnoreCase(header.name, name)) return &header.value;
  }
  return nullptr;
}

absl::Status CheckResponse(const HttpResponse& response) {
  if (response.status < 200 || response.status > 599) {
    return absl::InvalidArgumentError(absl::StrCat("no final status: ", response.status));
  }
  if (!IsFieldValue(response.content_type)) {
    return absl::InvalidArgumentError("the content type has a control character");
  }
  for (const HttpHeader& header : response.headers) {
    if (!IsToken(header.name)) return absl::InvalidArgumentError("a header's name is no token");
    if (!IsFieldValue(header.value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("the header ", header.name, " has a control character"));
    }
    for (const absl::string_view name : kWrittenByUs) {
      if (absl::EqualsIgnoreCase(header.name, name)) {
        return absl::InvalidArgumentError(absl::StrCat("the server itself writes ", name));
      }
    }
  }
  return absl::OkStatus();
}

bool HasBody(int status) {
  return status != 204 && status != 304;
}

std::string ResponseHead(const HttpResponse& response, bool keeps_alive, absl::Time date) {
  std::string head = absl::StrCat(
      "HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status),
      "\r\nDate: ", absl::FormatTime("%a, %d %b %E4Y %H:%M:%S GMT", date, absl::UTCTimeZone()),
      "\r\nConnection: ", keeps_alive ? "keep-alive" : "close", "\r\n");
  if (HasBody(response.status)) {
    if (!response.content_type.empty()) {
      absl::StrAppend(&head, "Content-Type: ", response.content_type, "\r\n");
    }
    absl::StrAppend(&head, "Content-Length: ", response.body.size(), "\r\n");
  }
  for (const HttpHeader& header : response.headers) {
    absl::StrAppend(&head, header.name, ": ", header.value, "\r\n");
  }
  if (FindHeader(response.headers, kNoSniff) == nullptr) {
    absl::StrAppend(&head, kNoSniff, ": nosniff\r\n");
  }
  absl::StrAppend(&head, "\r\n");
  return head;
}

}  // namespace understudy::serving
