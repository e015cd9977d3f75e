#include "services/notifier/store/store.h"

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

}  // namespace understudy::notifier
