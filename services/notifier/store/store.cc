#include "services/notifier/store/store.h"

#include "absl/strings/match.h"
#include "common/twilio/error_codes.h"

namespace understudy::notifier {

const char* MailStateName(MailState state) {
  switch (state) {
    case MailState::kDue:
      return "due";
    case MailState::kSending:
      return "sending";
    case MailState::kAccepted:
      return "accepted";
    case MailState::kParked:
      return "parked";
    case MailState::kExpired:
      return "expired";
  }
  return "";
}

bool BeginsSo(absl::string_view url, absl::string_view beginning) {
  constexpr absl::string_view kBehindScheme = "://";
  if (!absl::StrContains(beginning, kBehindScheme)) {
    const size_t scheme = url.find(kBehindScheme);
    if (scheme != absl::string_view::npos) url.remove_prefix(scheme + kBehindScheme.size());
  }
  return absl::StartsWithIgnoreCase(url, beginning);
}

namespace {

// Rounded down.
int64_t Periods(absl::Time time, int64_t seconds) {
  const int64_t since = absl::ToUnixSeconds(time);
  return since / seconds - (since % seconds < 0 ? 1 : 0);
}

}  // namespace

int64_t MinuteOf(absl::Time time) {
  return Periods(time, 60);
}

int64_t HourOf(absl::Time time) {
  return Periods(time, 3600);
}

int CountedCode(int error_code) {
  return error_code == 0 || twilio::FindErrorCode(error_code) != nullptr ? error_code : kOtherCodes;
}

}  // namespace understudy::notifier
