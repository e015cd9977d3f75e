#include "tests/sim/replies.h"

namespace understudy::testing {

router::Reply Document(absl::string_view body, absl::string_view content_type) {
  return {.answered = true,
          .status = 200,
          .headers = {{"Content-Type", std::string(content_type)}},
          .body = std::string(body)};
}

router::Reply Status(int status) {
  return {.answered = true, .status = status};
}

router::Reply RedirectTo(absl::string_view location, int status) {
  return {.answered = true, .status = status, .headers = {{"Location", std::string(location)}}};
}

router::Reply Unauthorized(absl::string_view www_authenticate) {
  return {.answered = true,
          .status = 401,
          .headers = {{"WWW-Authenticate", std::string(www_authenticate)}}};
}

router::Reply Failed(router::NetError error, bool answered) {
  return {.error = error, .answered = answered};
}

}  // namespace understudy::testing
