// An account of the platform, as our services are configured with it.
#ifndef COMMON_TWILIO_ACCOUNT_H_
#define COMMON_TWILIO_ACCOUNT_H_

#include <string>

#include "common/secret.h"

namespace understudy::twilio {

struct Account {
  std::string sid = {};
  Secret auth_token = {};  // signs its requests; empty: they go unsigned, and come unchecked

  friend bool operator==(const Account&, const Account&) = default;
};

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_ACCOUNT_H_
