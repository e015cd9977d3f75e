// What does not change from call to call until the configuration is read again.
#ifndef SERVICES_ROUTER_SETTINGS_H_
#define SERVICES_ROUTER_SETTINGS_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "common/secret.h"
#include "services/router/resolve/call.h"
#include "services/router/routes/route_table.h"

namespace understudy::router {

struct RouterConfig;

// Immutable once made; shared by the calls that began with it.
struct Settings {
  RouteTable routes;
  absl::flat_hash_map<std::string, std::shared_ptr<const Bin>> bins = {};  // by name
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
