// What does not change from call to call until the configuration is read again.
#ifndef SERVICES_ROUTER_SETTINGS_H_
#define SERVICES_ROUTER_SETTINGS_H_

#include <memory>
#include <string>

#include "common/secret.h"
#include "services/router/resolve/call.h"
#include "services/router/routes/route_table.h"

namespace understudy::router {

struct RouterConfig;

// Immutable once made; shared by the calls that began with it. Copies are cheap.
struct Settings {
  RouteTable routes;
  RetrievalCodes codes = RetrievalCodes::kClassic;
  // By kind; never null.
  std::shared_ptr<const std::string> voice_default = {};
  std::shared_ptr<const std::string> messaging_default = {};
  Secret session_key = {};  // never empty
};

// `own_session_key` serves where the configuration has none.
std::shared_ptr<const Settings> MakeSettings(const RouterConfig& config,
                                             const Secret& own_session_key);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_SETTINGS_H_
