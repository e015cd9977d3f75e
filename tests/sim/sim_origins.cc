#include "tests/sim/sim_origins.h"

#include <algorithm>
#include <utility>

#include "tests/sim/replies.h"

namespace understudy::testing {
namespace {

using router::NetError;

std::string WithoutQuery(absl::string_view url) {
  return std::string(url.substr(0, url.find('?')));
}

}  // namespace

void SimOrigins::Script(absl::string_view url, std::vector<Answer> answers) {
  scripts_[std::string(url)] = {.answers = std::move(answers)};
}

void SimOrigins::Fetch(router::Ticket ticket, router::Exchange exchange, Done done) {
  Answer answer = {.reply = Failed(NetError::kNameNotFound)};
  if (const auto script = scripts_.find(WithoutQuery(exchange.url)); script != scripts_.end()) {
    Scripted& scripted = script->second;
    answer = scripted.answers[scripted.next];
    if (scripted.next + 1 < scripted.answers.size()) ++scripted.next;
  }
  absl::Time at = now_ + answer.delay;
  if (answer.delay > exchange.read_timeout) {
    at = now_ + exchange.read_timeout;
    answer.reply = Failed(NetError::kReadTimeout);
  }
  if (at > exchange.give_up_at ||
      (at == exchange.give_up_at && answer.reply.error == NetError::kReadTimeout)) {
    at = exchange.give_up_at;
    answer.reply = Failed(NetError::kTotalTimeout);
  }
  requests_.push_back({.ticket = ticket, .exchange = std::move(exchange), .at = now_});
  due_.push_back(
      {.ticket = ticket, .at = at, .reply = std::move(answer.reply), .done = std::move(done)});
}

void SimOrigins::Cancel(router::Ticket ticket) {
  for (Due& due : due_) {
    if (due.ticket != ticket) continue;
    due.at = now_;
    due.reply = Failed(NetError::kCancelled);
  }
}

bool SimOrigins::RunNext() {
  const auto next = std::min_element(due_.begin(), due_.end(),
                                     [](const Due& a, const Due& b) { return a.at < b.at; });
  if (next == due_.end()) return false;
  Due due = std::move(*next);
  due_.erase(next);
  now_ = due.at;
  due.reply.finished_at = now_;
  due.done(std::move(due.reply));
  return true;
}

void SimOrigins::RunUntilIdle() {
  while (RunNext()) {
  }
}

std::vector<SimOrigins::Request> SimOrigins::RequestsTo(absl::string_view url) const {
  std::vector<Request> found;
  for (const Request& request : requests_) {
    if (WithoutQuery(request.exchange.url) == url) found.push_back(request);
  }
  return found;
}

}  // namespace understudy::testing
