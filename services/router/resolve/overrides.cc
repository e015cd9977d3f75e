#include "services/router/resolve/overrides.h"

#include <algorithm>
#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace understudy::router {
namespace {

constexpr std::array<absl::string_view, 8> kEdges = {
    "ashburn", "dublin", "frankfurt", "sao-paulo", "singapore", "sydney", "tokyo", "umatilla"};
constexpr std::array<absl::string_view, 5> kInterconnectEdges = {
    "ashburn-ix", "frankfurt-ix", "london-ix", "san-jose-ix", "singapore-ix"};

constexpr int kTimeoutFloorMs = 100;
constexpr int kConnectCeilingMs = 10000;
constexpr int kReadCeilingMs = 15000;
constexpr int kTotalCeilingMs = 15000;

constexpr int kUnknownEdge = 11240;
constexpr int kInterconnectNotAllowed = 11242;
constexpr int kBadRetryPolicy = 11243;

// A mistake in one key may not hide an earlier one: the first is the one reported.
void Fail(Overrides& overrides, int code, std::string error) {
  if (overrides.error_code != 0) return;
  overrides.error_code = code;
  overrides.error = std::move(error);
}

std::optional<int> ParseRanged(Overrides& overrides, absl::string_view key, absl::string_view value,
                               int low, int high) {
  int number = 0;
  if (!absl::SimpleAtoi(value, &number)) {
    overrides.warnings.push_back(
        absl::StrCat("override ", key, "=", value, " is not a whole number and has no effect"));
    return std::nullopt;
  }
  const int clamped = std::clamp(number, low, high);
  if (clamped != number) {
    overrides.warnings.push_back(absl::StrCat("override ", key, "=", value, " is outside ", low,
                                              " to ", high, "; ", clamped, " is used"));
  }
  return clamped;
}

std::optional<absl::Duration> ParseTimeout(Overrides& overrides, absl::string_view key,
                                           absl::string_view value, int ceiling_ms) {
  const std::optional<int> ms = ParseRanged(overrides, key, value, kTimeoutFloorMs, ceiling_ms);
  if (!ms.has_value()) return std::nullopt;
  return absl::Milliseconds(*ms);
}

void ParseRetryPolicy(Overrides& overrides, absl::string_view value) {
  RetryPolicy policy{.connect = false};
  for (absl::string_view word : absl::StrSplit(value, ',')) {
    if (word == "ct") {
      policy.connect = true;
    } else if (word == "rt") {
      policy.read = true;
    } else if (word == "4xx") {
      policy.status_4xx = true;
    } else if (word == "5xx") {
      policy.status_5xx = true;
    } else if (word == "all") {
      policy = {.connect = true, .read = true, .status_4xx = true, .status_5xx = true};
    } else {
      Fail(overrides, kBadRetryPolicy,
           absl::StrCat("the retry policy rp=", value, " has \"", word,
                        "\"; known are 4xx, 5xx, ct, rt and all"));
      return;
    }
  }
  overrides.retry_on = policy;
}

void CheckEdges(Overrides& overrides, absl::string_view value) {
  for (absl::string_view edge : absl::StrSplit(value, ',')) {
    if (std::find(kEdges.begin(), kEdges.end(), edge) != kEdges.end()) continue;
    if (std::find(kInterconnectEdges.begin(), kInterconnectEdges.end(), edge) !=
        kInterconnectEdges.end()) {
      Fail(overrides, kInterconnectNotAllowed,
           absl::StrCat("the edge \"", edge, "\" is a private interconnect; there is none here"));
      return;
    }
    Fail(overrides, kUnknownEdge, absl::StrCat("there is no edge \"", edge, "\""));
    return;
  }
}

}  // namespace

Overrides ParseOverrides(absl::string_view fragment) {
  Overrides overrides;
  for (absl::string_view item : absl::StrSplit(fragment, '&')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(item, absl::MaxSplits('=', 1));
    const auto [key, value] = pair;
    if (key.size() == item.size()) continue;  // no '=': a plain anchor
    if (key == "ct") {
      overrides.connect_timeout = ParseTimeout(overrides, key, value, kConnectCeilingMs);
    } else if (key == "rt") {
      overrides.read_timeout = ParseTimeout(overrides, key, value, kReadCeilingMs);
    } else if (key == "tt") {
      overrides.total_timeout = ParseTimeout(overrides, key, value, kTotalCeilingMs);
    } else if (key == "rc") {
      overrides.retries = ParseRanged(overrides, key, value, 0, kMaxRetries).value_or(1);
    } else if (key == "rp") {
      ParseRetryPolicy(overrides, value);
    } else if (key == "sni") {
      if (value == "y" || value == "n") {
        overrides.send_sni = value == "y";
      } else {
        overrides.warnings.push_back(
            absl::StrCat("override sni=", value, " is neither y nor n and has no effect"));
      }
    } else if (key == "e" || key == "r") {  // "r" is the older name
      CheckEdges(overrides, value);
    }
  }
  return overrides;
}

}  // namespace understudy::router
