// Serves the operator's page over HTTP: reads what it shows, checks who asks. Nothing is changed by
// any request.
#ifndef SERVICES_NOTIFIER_PAGE_PAGE_DOOR_H_
#define SERVICES_NOTIFIER_PAGE_PAGE_DOOR_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/secret.h"
#include "common/serving/basic_auth.h"
#include "common/serving/http_message.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

// Of events and groups in a list.
inline constexpr int kEventsOfPage = 50;
inline constexpr int kGroupsOfPage = 50;
// Of the overview, which has more to show.
inline constexpr int kOpenGroupsOfOverview = 25;
inline constexpr int kQuietGroupsOfOverview = 10;
// What a search looks at before it asks to go on: some tens of milliseconds.
inline constexpr int kMaxLookedAt = 20000;

// What may change while the notifier runs.
struct PageSettings {
  // Neither: there is no page.
  bool open = false;     // to whoever reaches the port
  Secret password = {};  // by HTTP Basic
  std::string user = "operator";
  bool mask_numbers = true;

  bool is_on() const { return open || !password.empty(); }
};

// How a request for the page ended.
enum class PageResult : uint8_t {
  kAnswered,
  kNotFound,
  kUnauthorized,
  kSlowedDown,  // too many wrong passwords
  kRefused,     // a method or query that is none
  kFailed,      // the store did not answer
};
inline constexpr int kPageResults = 6;
// "answered", "not_found", ...: a label.
const char* PageResultName(PageResult result);

// From any thread.
class PageDoor {
 public:
  struct Hooks {
    // Told of each request, and how long its answer took.
    std::function<void(PageResult, absl::Duration)> on_request = [](PageResult, absl::Duration) {};
  };

  // `store` must outlive it.
  PageDoor(Store& store, PageSettings settings, Hooks hooks);

  void SetSettings(PageSettings settings);

  // Whether the path is one of the page's.
  static bool Owns(absl::string_view path);

  // REQUIRES: Owns(request.path).
  serving::HttpResponse Handle(const serving::HttpRequest& request);

 private:
  class Visit;

  std::shared_ptr<const PageSettings> settings() const;

  Store& store_;
  const Hooks hooks_;
  serving::LoginLimiter limiter_;
  mutable Mutex mutex_;
  std::shared_ptr<const PageSettings> settings_ GUARDED_BY(mutex_);
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_PAGE_PAGE_DOOR_H_
