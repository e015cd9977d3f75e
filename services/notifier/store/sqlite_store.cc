#include "services/notifier/store/sqlite_store.h"

#include <deque>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "common/serving/monotonic_clock.h"
#include "common/sqlite/read_pool.h"
#include "services/notifier/store/event_batch.h"
#include "services/notifier/store/known_ids.h"
#include "services/notifier/store/lists.h"
#include "services/notifier/store/search.h"
#include "services/notifier/store/sqlite_transaction.h"
#include "services/notifier/store/summaries.h"

namespace understudy::notifier {
namespace {

using serving::MonotonicNow;

// Between two attempts at what is done when there is nothing else to do.
constexpr std::chrono::milliseconds kIdleInterval{1000};

using Work = absl::FunctionRef<absl::Status(StoreTransaction&)>;

size_t BytesOf(const twilio::Form& form) {
  size_t bytes = 0;
  for (const auto& [name, value] : form) bytes += name.size() + value.size();
  return bytes;
}

size_t BytesOf(const Event& event) {
  size_t bytes = sizeof(event) + event.event_id.size() + event.account_sid.size() +
                 event.phone_number.size() + event.resource_sid.size() + event.error_url.size() +
                 event.detail.size() + event.resolution_id.size() + event.response_excerpt.size() +
                 BytesOf(event.parameters) + BytesOf(event.request_headers) +
                 BytesOf(event.response_headers);
  for (const Attempt& attempt : event.attempts) {
    bytes += sizeof(attempt) + attempt.url.size() + attempt.remote_address.size() +
             attempt.detail.size();
  }
  return bytes;
}

// For another thread: a copy that shares nothing. Abseil counts the references to a status where
// the thread sanitizer does not see it.
absl::Status Unshared(const absl::Status& status) {
  absl::Status copy(status.code(), status.message());
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    copy.SetPayload(type, absl::Cord(std::string(payload)));
  });
  return copy;
}

}  // namespace

class SqliteStore::Writer {
 public:
  explicit Writer(SqliteOptions options)
      : options_(std::move(options)),
        readers_(options_.database.path, options_.database.busy_timeout),
        waits_(options_.waits) {
    options_.database.on_closing = [this] { readers_.Close(); };
    options_.database.on_opened = [this] {
      known_ids_.reset();
      readers_.Open();
    };
  }

  ~Writer() {
    if (!thread_.joinable()) return;
    {
      MutexLock lock(mutex_);
      is_stopping_ = true;
      wake_.NotifyOne();
    }
    thread_.join();
  }

  absl::Status Start() {
    absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(options_.database);
    if (!database.ok()) return database.status();
    database_ = *std::move(database);
    Publish();
    {
      MutexLock lock(mutex_);
      TellHealth();
    }
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  void SetWaits(const Waits& waits) {
    MutexLock lock(mutex_);
    waits_ = waits;
  }

  SqliteFacts facts() {
    MutexLock lock(mutex_);
    SqliteFacts facts = facts_;
    facts.queued_bytes = static_cast<int64_t>(queued_bytes_);
    return facts;
  }

  absl::StatusOr<std::vector<Appended>> Append(std::vector<Event> events) {
    if (events.empty()) return std::vector<Appended>();
    const auto call = std::make_shared<Call>();
    for (const Event& event : events) {
      call->bytes += BytesOf(event);
      // Here rather than on the writing thread, which all wait for.
      call->fingerprints.push_back(static_cast<int64_t>(FingerprintOf(event)));
    }
    call->events = std::move(events);

    MutexLock lock(mutex_);
    if (queued_bytes_ > 0 && queued_bytes_ + call->bytes > options_.max_queued_bytes) {
      ++facts_.refused_appends;
      return absl::ResourceExhaustedError("too many events wait to be stored");
    }
    Enqueue(call);
    if (!call->ended.WaitFor(mutex_, absl::ToChronoMilliseconds(options_.max_append_wait),
                             [&] { return call->is_done; })) {
      is_stuck_ = true;
      TellHealth();
      return absl::UnavailableError(absl::StrCat("the disk has not answered for ",
                                                 absl::FormatDuration(options_.max_append_wait)));
    }
    if (!call->status.ok()) return std::move(call->status);
    return std::move(call->results);
  }

  absl::Status Write(Work work) {
    const auto call = std::make_shared<Call>();
    call->work = &work;
    MutexLock lock(mutex_);
    Enqueue(call);
    call->ended.Wait(mutex_, [&] { return call->is_done; });
    return std::move(call->status);
  }

  absl::Status Health() {
    MutexLock lock(mutex_);
    if (is_stuck_) return absl::UnavailableError("the disk does not answer");
    if (health_.ok()) return absl::OkStatus();
    wants_probe_ = true;
    wake_.NotifyOne();
    const int64_t before = probes_;
    probed_.WaitFor(mutex_, absl::ToChronoMilliseconds(kHealthWait),
                    [&]() REQUIRES(mutex_) { return probes_ > before; });
    return Unshared(health_);
  }

  // What `ask` answers, of a connection.
  template <typename Ask>
  auto Read(Ask ask) -> absl::StatusOr<decltype(ask(std::declval<Connection&>()))> {
    decltype(ask(std::declval<Connection&>())) answer;
    const Failure failure =
        readers_.Read([&](Connection& connection) { answer = ask(connection); });
    if (failure.ok()) return answer;
    if (failure.trouble == Trouble::kDamaged) {
      MutexLock lock(mutex_);
      is_suspected_ = true;
      wake_.NotifyOne();
    }
    return ToStatus(failure);
  }

 private:
  // Events to append, or work to do. Shared by its caller, who may give up waiting for the former.
  struct Call {
    std::vector<Event> events = {};
    std::vector<int64_t> fingerprints = {};  // of the events, in order
    size_t bytes = 0;                        // of the events
    Work* work = nullptr;

    std::vector<Appended> results = {};
    absl::Status status = {};
    bool is_done = false;  // guarded by mutex_
    CondVar ended = {};
  };
  using Calls = std::vector<std::shared_ptr<Call>>;

  void Enqueue(std::shared_ptr<Call> call) REQUIRES(mutex_) {
    queued_bytes_ += call->bytes;
    queue_.push_back(std::move(call));
    wake_.NotifyOne();
  }

  void Run() {
    bool is_idle_work_left = true;
    while (true) {
      Calls calls;
      bool probes = false;
      bool suspects = false;
      {
        MutexLock lock(mutex_);
        const auto has_work = [&]() REQUIRES(mutex_) {
          return !queue_.empty() || is_stopping_ || wants_probe_ || is_suspected_;
        };
        if (is_idle_work_left) {
          wake_.WaitFor(mutex_, kIdleInterval, has_work);
        } else {
          wake_.Wait(mutex_, has_work);
        }
        calls = TakeCalls();
        if (calls.empty() && is_stopping_) return;
        probes = std::exchange(wants_probe_, false);
        suspects = std::exchange(is_suspected_, false);
      }
      if (suspects) database_->Suspect();
      if (!calls.empty()) {
        Serve(calls);
        is_idle_work_left = true;
      } else if (probes || !database_->health().ok()) {
        database_->Probe().IgnoreError();
      } else {
        is_idle_work_left = database_->TidyLog();
      }
      End(calls, probes);
    }
  }

  // The next transaction: one call's work, or all events before the next work.
  Calls TakeCalls() REQUIRES(mutex_) {
    Calls calls;
    while (!queue_.empty()) {
      const bool is_work = queue_.front()->work != nullptr;
      if (is_work && !calls.empty()) break;
      calls.push_back(std::move(queue_.front()));
      queue_.pop_front();
      if (is_work) break;
    }
    return calls;
  }

  void Serve(const Calls& calls) {
    const absl::Time begun_at = MonotonicNow();
    const absl::Status status =
        calls.front()->work != nullptr ? DoWork(*calls.front()->work) : AppendAll(calls);
    for (const auto& call : calls) call->status = Unshared(status);
    if (status.ok() && options_.on_commit) options_.on_commit(MonotonicNow() - begun_at);
  }

  absl::Status DoWork(Work work) {
    return database_->Transact(Room::kReserve, [&](Connection& connection) {
      SqliteTransaction transaction(connection);
      return work(transaction);
    });
  }

  absl::Status AppendAll(const Calls& calls) {
    int64_t in_other_hosts = 0;
    absl::Status status = database_->Transact(Room::kOrdinary, [&](Connection& connection) {
      if (!known_ids_.has_value()) known_ids_.emplace(connection);
      EventBatch batch(connection, *known_ids_, CurrentWaits(), options_.max_open_groups);
      for (const auto& call : calls) {
        call->results.reserve(call->events.size());
        for (size_t i = 0; i < call->events.size() && connection.ok(); ++i) {
          call->results.push_back(batch.Add(call->events[i], call->fingerprints[i]));
        }
      }
      batch.Finish();
      in_other_hosts = batch.in_other_hosts();
      if (!connection.ok()) known_ids_.reset();
      return absl::OkStatus();
    });
    if (status.ok()) {
      MutexLock lock(mutex_);
      facts_.events_in_other_hosts += in_other_hosts;
    }
    return status;
  }

  void End(const Calls& calls, bool probed) {
    Publish();
    MutexLock lock(mutex_);
    is_stuck_ = false;
    TellHealth();
    for (const auto& call : calls) {
      queued_bytes_ -= call->bytes;
      call->is_done = true;
      call->ended.NotifyOne();
    }
    if (probed) {
      ++probes_;
      probed_.NotifyAll();
    }
  }

  // What other threads may know of the database.
  void Publish() {
    DatabaseFacts facts = database_->facts();
    MutexLock lock(mutex_);
    facts_.database = std::move(facts);
    health_ = Unshared(database_->health());
  }

  void TellHealth() REQUIRES(mutex_) {
    const bool is_healthy = !is_stuck_ && health_.ok();
    if (std::exchange(told_healthy_, is_healthy) == is_healthy) return;
    if (options_.on_health) options_.on_health(is_healthy);
  }

  Waits CurrentWaits() {
    MutexLock lock(mutex_);
    return waits_;
  }

  SqliteOptions options_;
  sqlite::ReadPool readers_;
  // The thread's.
  std::optional<KnownIds> known_ids_;   // of the file that is open; read when first needed
  std::unique_ptr<Database> database_;  // calls back, so it goes before the others

  Mutex mutex_;
  CondVar wake_;
  CondVar probed_;
  std::deque<std::shared_ptr<Call>> queue_ GUARDED_BY(mutex_);
  size_t queued_bytes_ GUARDED_BY(mutex_) = 0;  // of what is being written, too
  Waits waits_ GUARDED_BY(mutex_);
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  bool is_suspected_ GUARDED_BY(mutex_) = false;  // a reader found damage
  bool is_stuck_ GUARDED_BY(mutex_) = false;      // somebody gave up waiting for the disk
  bool wants_probe_ GUARDED_BY(mutex_) = false;
  int64_t probes_ GUARDED_BY(mutex_) = 0;
  absl::Status health_ GUARDED_BY(mutex_);
  bool told_healthy_ GUARDED_BY(mutex_) = true;
  SqliteFacts facts_ GUARDED_BY(mutex_);
  std::thread thread_;
};

SqliteStore::SqliteStore(std::unique_ptr<Writer> writer) : writer_(std::move(writer)) {}

SqliteStore::~SqliteStore() = default;

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(SqliteOptions options) {
  auto writer = std::make_unique<Writer>(std::move(options));
  if (absl::Status status = writer->Start(); !status.ok()) return status;
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(writer)));
}

void SqliteStore::SetWaits(const Waits& waits) {
  writer_->SetWaits(waits);
}

SqliteFacts SqliteStore::facts() {
  return writer_->facts();
}

absl::StatusOr<std::vector<Appended>> SqliteStore::Append(std::vector<Event> events) {
  return writer_->Append(std::move(events));
}

absl::Status SqliteStore::Write(Work work) {
  return writer_->Write(work);
}

absl::StatusOr<absl::Time> SqliteStore::NextDueAt() {
  return writer_->Read([](Connection& connection) { return notifier::NextDueAt(connection); });
}

absl::StatusOr<std::vector<StoredEvent>> SqliteStore::ListEvents(const EventFilter& filter,
                                                                 int64_t before_row, int max) {
  return writer_->Read([&](Connection& connection) {
    return notifier::ListEvents(connection, filter, before_row, max);
  });
}

absl::StatusOr<std::vector<Store::ListedGroup>> SqliteStore::ListGroups(
    const GroupFilter& filter, std::optional<GroupPlace> before, int max) {
  return writer_->Read([&](Connection& connection) {
    return notifier::ListGroups(connection, filter, before, max);
  });
}

absl::StatusOr<FoundEvents> SqliteStore::Search(const EventSearch& search, int64_t before_row,
                                                int max, int max_looked_at) {
  return writer_->Read([&](Connection& connection) {
    return notifier::Search(connection, search, before_row, max, max_looked_at);
  });
}

absl::StatusOr<std::optional<Group>> SqliteStore::FindGroup(int64_t id) {
  return writer_->Read([&](Connection& connection) { return notifier::FindGroup(connection, id); });
}

absl::StatusOr<std::optional<StoredEvent>> SqliteStore::FindEvent(int64_t row) {
  return writer_->Read(
      [&](Connection& connection) { return notifier::FindEvent(connection, row); });
}

absl::StatusOr<std::vector<MinuteCounts>> SqliteStore::CountsByMinute(absl::Time since) {
  return writer_->Read(
      [&](Connection& connection) { return notifier::CountsByMinute(connection, since); });
}

absl::StatusOr<std::vector<HourCount>> SqliteStore::CountsByHour(
    const std::vector<int64_t>& group_ids, absl::Time since) {
  return writer_->Read(
      [&](Connection& connection) { return notifier::CountsByHour(connection, group_ids, since); });
}

absl::StatusOr<StoreStatus> SqliteStore::ReadStatus() {
  return writer_->Read([](Connection& connection) { return notifier::ReadStatus(connection); });
}

absl::Status SqliteStore::Health() {
  return writer_->Health();
}

}  // namespace understudy::notifier
