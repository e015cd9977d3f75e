#include "services/router/settings.h"

#include "common/twilio/documents.h"
#include "services/router/config.h"

namespace understudy::router {

std::shared_ptr<const Settings> MakeSettings(const RouterConfig& config,
                                             const Secret& own_session_key) {
  return std::make_shared<const Settings>(Settings{
      .routes = RouteTable(config.accounts, config.numbers, config.bins),
      .codes = config.retrieval_codes,
      .voice_default = std::make_shared<const std::string>(
          twilio::DefaultDocument(Kind::kVoice, config.default_voice_text)),
      .messaging_default =
          std::make_shared<const std::string>(twilio::DefaultDocument(Kind::kMessaging, {})),
      .session_key = config.session_key.empty() ? own_session_key : config.session_key});
}

}  // namespace understudy::router
