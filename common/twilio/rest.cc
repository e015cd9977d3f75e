#include "common/twilio/rest.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/twilio/charset.h"
#include "common/twilio/error_codes.h"
#include "common/twilio/json_writer.h"

namespace understudy::twilio {
namespace {

constexpr char kPageSize[] = "PageSize";
constexpr char kPage[] = "Page";
constexpr char kPageToken[] = "PageToken";

bool HasBrokenEscape(absl::string_view encoded) {
  for (size_t at = encoded.find('%'); at != absl::string_view::npos; at = encoded.find('%', at)) {
    if (at + 2 >= encoded.size() ||
        !absl::ascii_isxdigit(static_cast<unsigned char>(encoded[at + 1])) ||
        !absl::ascii_isxdigit(static_cast<unsigned char>(encoded[at + 2]))) {
      return true;
    }
    at += 3;
  }
  return false;
}

bool IsText(absl::string_view bytes) {
  return ValidUtf8Prefix(bytes) == bytes.size() && bytes.find('\0') == absl::string_view::npos;
}

bool IsToken(absl::string_view text) {
  return text.size() <= kMaxPageTokenBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
         });
}

// nullopt if `text` is not a number of `min` or more, in digits alone.
std::optional<int64_t> ReadNumber(absl::string_view text, int64_t min) {
  int64_t number = 0;
  const bool is_digits = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
  if (text.size() > 18 || !is_digits || !absl::SimpleAtoi(text, &number) || number < min) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

RestError MakeRestError(int code, std::string message) {
  return {.code = code, .message = std::move(message), .status = FindErrorCode(code)->http_status};
}

std::string RestErrorJson(const RestError& error) {
  JsonWriter json;
  json.BeginObject();
  json.Number("code", error.code);
  json.Text("message", error.message);
  json.Text("more_info", ErrorCodePage(error.code));
  json.Number("status", error.status);
  json.EndObject();
  return json.Take();
}

RestError NotFound(absl::string_view path) {
  return MakeRestError(20404, absl::StrCat("The requested resource ", path, " was not found"));
}

RestError Unauthenticated() {
  return MakeRestError(20003, "Authenticate");
}

RestError HttpRefusal(int status, absl::string_view reason) {
  const bool has_own_code = status == 429 || status == 500 || status == 503;
  return {.code = has_own_code ? 20000 + status : 20422,
          .message = std::string(reason),
          .status = status};
}

std::string Rfc2822Date(absl::Time time) {
  return absl::FormatTime("%a, %d %b %E4Y %H:%M:%S +0000", time, absl::UTCTimeZone());
}

std::string Iso8601Date(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::variant<Form, FormProblem> ReadStrictForm(absl::string_view encoded) {
  if (HasBrokenEscape(encoded)) {
    return FormProblem{"A '%' is not followed by two hexadecimal digits."};
  }
  Form form = DecodeForm(encoded);
  std::vector<absl::string_view> names;
  names.reserve(form.size());
  for (const Parameter& parameter : form) {
    if (!IsText(parameter.name) || !IsText(parameter.value)) {
      return FormProblem{"A parameter is not UTF-8, or has a zero byte in it."};
    }
    names.push_back(parameter.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    return FormProblem{absl::StrCat("The parameter '", twice->substr(0, 64), "' is there twice.")};
  }
  return form;
}

std::variant<PageAsked, RestError> ReadPage(const Form& query) {
  PageAsked page;
  if (const std::string* text = FindParameter(query, kPageSize)) {
    const std::optional<int64_t> number = ReadNumber(*text, 1);
    if (!number.has_value()) {
      return MakeRestError(20422,
                           absl::StrCat("PageSize must be a number from 1 to ", kMaxPageSize, "."));
    }
    page.page_size = static_cast<int>(std::min<int64_t>(*number, kMaxPageSize));
  }
  if (const std::string* text = FindParameter(query, kPage)) {
    const std::optional<int64_t> number = ReadNumber(*text, 0);
    if (!number.has_value() || *number > kMaxPage) {
      return MakeRestError(20422, absl::StrCat("Page must be a number from 0 to ", kMaxPage, "."));
    }
    page.page = *number;
  }
  if (const std::string* token = FindParameter(query, kPageToken)) {
    if (!IsToken(*token)) return InvalidPageToken();
    page.token = *token;
  }
  if (page.page > 0 && page.token.empty()) return InvalidPageToken();
  return page;
}

RestError InvalidPageToken() {
  return MakeRestError(21481,
                       "PageToken is not valid. Follow the page's own links to get from one to "
                       "the next.");
}

std::string PageTarget(absl::string_view path, const Form& query, const PageAsked& page) {
  Form parameters;
  for (const Parameter& parameter : query) {
    if (parameter.name != kPageSize && parameter.name != kPage && parameter.name != kPageToken) {
      parameters.push_back(parameter);
    }
  }
  parameters.push_back({kPageSize, absl::StrCat(page.page_size)});
  parameters.push_back({kPage, absl::StrCat(page.page)});
  if (!page.token.empty()) parameters.push_back({kPageToken, page.token});
  return AppendQuery(path, parameters);
}

}  // namespace understudy::twilio
