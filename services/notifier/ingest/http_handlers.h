// The HTTP door: a ready-made Fallback URL, Twilio's debugger webhook and event streams, and our
// own events as JSON.
#ifndef SERVICES_NOTIFIER_INGEST_HTTP_HANDLERS_H_
#define SERVICES_NOTIFIER_INGEST_HTTP_HANDLERS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "common/serving/http_message.h"
#include "services/notifier/ingest/caller_intake.h"
#include "services/notifier/ingest/ingest.h"
#include "services/notifier/ingest/recoveries.h"
#include "services/notifier/ingest/sender_check.h"

namespace understudy::notifier {

// In place of a URL to go to: the one that failed.
inline constexpr char kRedirectToErrorUrl[] = "error_url";

struct FallbackAnswers {
  std::string voice_text = "We are sorry, an application error has occurred. Goodbye.";
  std::string messaging_text = {};  // empty: no reply
  // Where to send a call or message before it gets one of these, or kRedirectToErrorUrl; empty:
  // nowhere.
  std::string redirect_to = {};
  int max_per_call = 1;  // so often
};

// What may change while the notifier runs.
struct HttpSettings {
  std::vector<Account> accounts = {};
  std::string public_url = {};  // scheme, host, port: how the outside reaches this door
  FallbackAnswers fallback = {};
};

class HttpDoor {
 public:
  // A request that was turned away, with a stable reason.
  using OnRefused = std::function<void(Door, const std::string& reason)>;

  // `ingest` and `callers` must outlive it.
  HttpDoor(Ingest& ingest, CallerIntake& callers, OnRefused on_refused, HttpSettings settings);

  // From any thread, as is Handle.
  void SetSettings(HttpSettings settings);

  serving::HttpResponse Handle(const serving::HttpRequest& request);

 private:
  struct Asked;  // a form request, read

  std::shared_ptr<const HttpSettings> settings() const;
  serving::HttpResponse Refuse(Door door, const SenderProblem& problem);
  serving::HttpResponse Busy(Door door, const absl::Status& status);
  serving::HttpResponse Fallback(const serving::HttpRequest& request);
  serving::HttpResponse Debugger(const serving::HttpRequest& request);
  serving::HttpResponse Events(const serving::HttpRequest& request);
  serving::HttpResponse Stream(const serving::HttpRequest& request);
  std::string FallbackDocument(const HttpSettings& settings, const Event& event,
                               absl::string_view token, Kind kind);

  Ingest& ingest_;
  CallerIntake& callers_;
  const OnRefused on_refused_;
  mutable Mutex mutex_;
  std::shared_ptr<const HttpSettings> settings_ GUARDED_BY(mutex_);
  Recoveries recoveries_ GUARDED_BY(mutex_);
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_HTTP_HANDLERS_H_
