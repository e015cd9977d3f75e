// What is being answered: a call or a message. Twilio has its own rules for each.
#ifndef COMMON_TWILIO_KIND_H_
#define COMMON_TWILIO_KIND_H_

#include <cstdint>

namespace understudy::twilio {

enum class Kind : uint8_t { kVoice, kMessaging };

// "voice" or "messaging": for logs and metric labels.
constexpr const char* KindName(Kind kind) {
  return kind == Kind::kVoice ? "voice" : "messaging";
}

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_KIND_H_
