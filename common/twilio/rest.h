// What is common to resources of Twilio's REST API, as its SDKs expect them: errors, dates, pages.
// Pure functions, safe from any thread.
//
// Sources: Twilio, "Twilio's Response", "REST API: Error and Warning Codes"; what twilio-node and
// twilio-python read.
#ifndef COMMON_TWILIO_REST_H_
#define COMMON_TWILIO_REST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/twilio/form.h"

namespace understudy::twilio {

inline constexpr char kRestJson[] = "application/json";

// What went wrong with a request, as its sender hears it.
struct RestError {
  int code = 20500;
  std::string message = {};  // a sentence a stranger can act on
  int status = 500;          // HTTP

  friend bool operator==(const RestError&, const RestError&) = default;
};

// The error with the HTTP status that error_codes.h gives the code. REQUIRES: it gives one.
RestError MakeRestError(int code, std::string message);

// {"code":..., "message":..., "more_info":..., "status":...}
std::string RestErrorJson(const RestError& error);

// 20404, in Twilio's own words.
RestError NotFound(absl::string_view path);
// 20003, in Twilio's own word; goes with kRestChallenge as its WWW-Authenticate.
RestError Unauthenticated();
inline constexpr char kRestChallenge[] = "Basic realm=\"Twilio API\"";

// The error for what an HTTP server refuses by itself: 20429, 20500 or 20503 where the status is
// one of those, else 20422.
RestError HttpRefusal(int status, absl::string_view reason);

// "Thu, 30 Jul 2015 23:19:04 +0000": RFC 2822, as resources of 2010-04-01 have it.
std::string Rfc2822Date(absl::Time time);
// "2015-07-30T20:00:00Z": ISO 8601, as newer resources have it.
std::string Iso8601Date(absl::Time time);

// A form that came in, or a sentence on what makes it one that two readers could understand in two
// ways: a '%' without two hex digits behind it, a name that is there twice, a text that is no UTF-8
// or has a zero byte in it.
struct FormProblem {
  std::string message = {};
};
std::variant<Form, FormProblem> ReadStrictForm(absl::string_view encoded);

inline constexpr int kDefaultPageSize = 50;
inline constexpr int kMaxPageSize = 1000;
inline constexpr int64_t kMaxPage = 1000000000;
inline constexpr size_t kMaxPageTokenBytes = 128;

// Which part of a list is asked for.
struct PageAsked {
  int page_size = kDefaultPageSize;
  int64_t page = 0;        // counts from 0; says where a token's page stands, no more
  std::string token = {};  // empty: the first page; what else is in it is the list's own affair

  friend bool operator==(const PageAsked&, const PageAsked&) = default;
};

// PageSize, Page and PageToken of a query; a PageSize over the largest counts as that. 20422 where
// one is no number in its range, 21481 where a token is none that a list of ours can have made, or
// a page but the first comes without one: pages are to be followed, not made up.
std::variant<PageAsked, RestError> ReadPage(const Form& query);

// The error for a token that the list does not know.
RestError InvalidPageToken();

// The target of a page: `path`, the query's own parameters in their order, and the page's; with a
// token only where there is one.
std::string PageTarget(absl::string_view path, const Form& query, const PageAsked& page);

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_REST_H_
