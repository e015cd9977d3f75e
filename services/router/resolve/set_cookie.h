// The mistakes in a response's cookies for which Twilio gives up on the response; all else about
// cookies is libcurl's to know. Pure.
// Source: Twilio, "Error and Warning Dictionary", 11206.
#ifndef SERVICES_ROUTER_RESOLVE_SET_COOKIE_H_
#define SERVICES_ROUTER_RESOLVE_SET_COOKIE_H_

#include <optional>
#include <string>

#include "services/router/resolve/call.h"

namespace understudy::router {

// A sentence about the first Set-Cookie that has no name, or a tab, CR, LF, VT or FF in its name or
// value; nullopt if there is none. The cookie's value is not in it.
std::optional<std::string> FindCookieMistake(const Headers& headers);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_RESOLVE_SET_COOKIE_H_
