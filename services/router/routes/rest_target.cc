#include "services/router/routes/rest_target.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/twilio/identifiers.h"

namespace understudy::router {
namespace {

constexpr char kAccounts[] = "/2010-04-01/Accounts/";
constexpr char kNumbers[] = "IncomingPhoneNumbers";
constexpr char kApplications[] = "Applications";
constexpr size_t kMaxSidBytes = 64;

constexpr struct {
  absl::string_view name;
  absl::string_view type;
} kNumberTypes[] = {{"Local", "local"}, {"Mobile", "mobile"}, {"TollFree", "toll-free"}};

bool IsSid(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxSidBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); });
}

}  // namespace

std::optional<RestTarget> ReadRestTarget(absl::string_view path) {
  RestTarget target;
  if (!absl::ConsumePrefix(&path, kAccounts) || !absl::ConsumeSuffix(&path, ".json")) {
    return std::nullopt;
  }
  const size_t slash = path.find('/');
  target.account_sid = std::string(path.substr(0, slash));
  if (slash == absl::string_view::npos || !twilio::IsAccountSid(target.account_sid)) {
    return std::nullopt;
  }
  path.remove_prefix(slash + 1);

  const bool is_numbers = absl::ConsumePrefix(&path, kNumbers);
  if (!is_numbers && !absl::ConsumePrefix(&path, kApplications)) return std::nullopt;
  target.kind = is_numbers ? RestTarget::Kind::kNumbers : RestTarget::Kind::kApplications;
  if (path.empty()) return target;
  if (!absl::ConsumePrefix(&path, "/") || !IsSid(path)) return std::nullopt;
  if (is_numbers) {
    const auto* const type = std::find_if(std::begin(kNumberTypes), std::end(kNumberTypes),
                                          [&](const auto& known) { return known.name == path; });
    if (type != std::end(kNumberTypes)) {
      target.number_type = std::string(type->type);
      return target;
    }
  }
  target.kind = is_numbers ? RestTarget::Kind::kNumber : RestTarget::Kind::kApplication;
  target.sid = std::string(path);
  return target;
}

std::string NumberPath(absl::string_view account_sid, absl::string_view sid) {
  return absl::StrCat(kAccounts, account_sid, "/", kNumbers, "/", sid, ".json");
}

std::string ApplicationPath(absl::string_view account_sid, absl::string_view sid) {
  return absl::StrCat(kAccounts, account_sid, "/", kApplications, "/", sid, ".json");
}

}  // namespace understudy::router
