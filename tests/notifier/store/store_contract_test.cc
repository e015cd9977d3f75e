// What every Store promises, of each that there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/notifier/store/sqlite_store.h"
#include "services/notifier/store/store.h"
#include "tests/notifier/store/sample_events.h"
#include "tests/sim/sim_store.h"
#include "tests/testing/temp_dir.h"

namespace understudy::testing {
namespace {

using notifier::Appended;
using notifier::Counts;
using notifier::Event;
using notifier::EventFilter;
using notifier::Group;
using notifier::GroupFilter;
using notifier::GroupState;
using notifier::HourCount;
using notifier::kOtherHosts;
using notifier::Level;
using notifier::Mail;
using notifier::MailState;
using notifier::MinuteCounts;
using notifier::Outcome;
using notifier::Reason;
using notifier::Store;
using notifier::StoredEvent;
using notifier::StoreStatus;
using notifier::StoreTransaction;
using notifier::Told;
using notifier::UrlCount;
using notifier::Waits;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kAll = 1000000;

struct Options {
  Waits waits = {};
  int64_t max_open_groups = notifier::kMaxOpenGroups;
};

// One kind of store, made anew for each test.
struct Kind {
  const char* name = "";
  std::unique_ptr<Store> (*make)(const Options& options, const std::string& folder) = nullptr;
};

std::unique_ptr<Store> MakeSqlite(const Options& options, const std::string& folder) {
  absl::StatusOr<std::unique_ptr<notifier::SqliteStore>> store =
      notifier::SqliteStore::Open({.database = {.path = folder + "/notifier.db"},
                                   .waits = options.waits,
                                   .max_open_groups = options.max_open_groups});
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

std::unique_ptr<Store> MakeSim(const Options& options, const std::string&) {
  return std::make_unique<SimStore>(options.waits, options.max_open_groups);
}

std::string NameOf(const ::testing::TestParamInfo<Kind>& kind) {
  return kind.param.name;
}

class StoreContractTest : public ::testing::TestWithParam<Kind> {
 protected:
  StoreContractTest() { Make({}); }

  void Make(const Options& options) {
    store_.reset();
    folder_ = std::make_unique<TempDir>();
    store_ = GetParam().make(options, folder_->path());
  }

  std::vector<Appended> Append(std::vector<Event> events) {
    const absl::StatusOr<std::vector<Appended>> appended = store_->Append(std::move(events));
    EXPECT_TRUE(appended.ok()) << appended.status();
    return appended.value_or(std::vector<Appended>());
  }

  // What `work` returns, of a transaction that must go well.
  template <typename Work>
  auto Write(Work work) {
    using Result = decltype(work(std::declval<StoreTransaction&>()));
    if constexpr (std::is_void_v<Result>) {
      EXPECT_EQ(store_->Write([&](StoreTransaction& store) {
        work(store);
        return absl::OkStatus();
      }),
                absl::OkStatus());
    } else {
      Result result{};
      EXPECT_EQ(store_->Write([&](StoreTransaction& store) {
        result = work(store);
        return absl::OkStatus();
      }),
                absl::OkStatus());
      return result;
    }
  }

  std::vector<std::string> List(const EventFilter& filter, int64_t before_row = 0, int max = kAll) {
    const absl::StatusOr<std::vector<StoredEvent>> events =
        store_->ListEvents(filter, before_row, max);
    EXPECT_TRUE(events.ok()) << events.status();
    std::vector<std::string> ids;
    for (const StoredEvent& stored : events.value()) ids.push_back(stored.event.event_id);
    return ids;
  }

  std::vector<Group> Groups(const GroupFilter& filter = {}) {
    const auto listed = store_->ListGroups(filter, std::nullopt, kAll);
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<Group> groups;
    for (const Store::ListedGroup& group : listed.value()) groups.push_back(group.group);
    return groups;
  }

  std::vector<std::string> Hosts(const GroupFilter& filter = {}) {
    std::vector<std::string> hosts;
    for (const Group& group : Groups(filter)) hosts.push_back(group.key.host);
    return hosts;
  }

  // The group of `host`, which must be there.
  Group GroupOf(const std::string& host) {
    for (const Group& group : Groups()) {
      if (group.key.host == host) return group;
    }
    ADD_FAILURE() << "no group of " << host;
    return {};
  }

  absl::Time NextDueAt() {
    const absl::StatusOr<absl::Time> at = store_->NextDueAt();
    EXPECT_TRUE(at.ok()) << at.status();
    return at.value();
  }

  StoreStatus Status() {
    const absl::StatusOr<StoreStatus> status = store_->ReadStatus();
    EXPECT_TRUE(status.ok()) << status.status();
    return status.value();
  }

  std::unique_ptr<TempDir> folder_;
  std::unique_ptr<Store> store_;
};

Mail SampleMail(int64_t group_id, const std::string& recipient,
                absl::Duration after = absl::ZeroDuration()) {
  return {.group_id = group_id,
          .recipient = recipient,
          .reason = Reason::kNews,
          .message_id = "1.2@example.com",
          .subject = "11200 at www.example.com",
          .bytes = std::string("Subject: x\r\n\r\nany \0 byte\xFF\r\n", 27),
          .written_at = At(after),
          .next_attempt_at = At(after)};
}

std::vector<std::string> IdsOf(const std::vector<StoredEvent>& events) {
  std::vector<std::string> ids;
  for (const StoredEvent& stored : events) ids.push_back(stored.event.event_id);
  return ids;
}

std::vector<int64_t> IdsOf(const std::vector<Mail>& mails) {
  std::vector<int64_t> ids;
  for (const Mail& mail : mails) ids.push_back(mail.id);
  return ids;
}

// --- Append ---

TEST_P(StoreContractTest, AnEventComesBackAsItWent) {
  Event event = SampleEvent("e1");
  event.kind = notifier::Kind::kMessaging;
  event.level = Level::kWarning;
  event.error_code = 12200;
  event.target = notifier::Target::kFallback;
  event.outcome = Outcome::kWarning;
  event.phase = notifier::Phase::kParse;
  event.elapsed = absl::Nanoseconds(1234567891);
  event.occurred_at = At() - absl::Nanoseconds(1);
  event.response_excerpt = "\xC3\xA9 \"quoted\" <b>";
  EXPECT_THAT(Append({event}), ElementsAre(Appended::kStored));

  const auto listed = store_->ListEvents({}, 0, 10);
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().event, event);
  EXPECT_EQ(listed->front().group_id, Groups().front().id);
}

TEST_P(StoreContractTest, WhatIsKnownOfARequestComesBackAsItWent) {
  const std::vector<Event> events = {DetailedEvent("all"), SampleEvent("nothing"),
                                     SampleEvent("one")};
  std::vector<Event> stored = events;
  stored[2].parameters = {{"From", "+14155550100"}};
  Append(stored);
  std::reverse(stored.begin(), stored.end());
  const auto listed = store_->ListEvents({}, 0, 10);
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ((*listed)[i].event, stored[i]);
  const auto after = Write([](StoreTransaction& store) { return store.EventsAfter(1, 0, 10); });
  ASSERT_EQ(after.size(), 3u);
  EXPECT_EQ(after[0].event, DetailedEvent("all"));
}

TEST_P(StoreContractTest, EmptyFieldsComeBackEmpty) {
  const Event event = {.event_id = "e", .occurred_at = At(), .received_at = At()};
  EXPECT_THAT(Append({event}), ElementsAre(Appended::kStored));
  const auto listed = store_->ListEvents({}, 0, 10);
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed->front().event, event);
}

TEST_P(StoreContractTest, NothingToAppendIsNothing) {
  EXPECT_THAT(Append({}), IsEmpty());
  EXPECT_THAT(List({}), IsEmpty());
  EXPECT_EQ(NextDueAt(), absl::InfiniteFuture());
}

TEST_P(StoreContractTest, AKnownIdChangesNothing) {
  const Event event = SampleEvent("e1");
  Event other = event;
  other.detail = "something else";
  Event later = event;  // the notifier's own time is not the sender's word
  later.received_at = At(absl::Minutes(3));
  EXPECT_THAT(Append({event}), ElementsAre(Appended::kStored));
  EXPECT_THAT(Append({event, later, other, SampleEvent("e2")}),
              ElementsAre(Appended::kDuplicate, Appended::kDuplicate, Appended::kConflict,
                          Appended::kStored));
  EXPECT_THAT(List({}), ElementsAre("e2", "e1"));
  const auto listed = store_->ListEvents({}, 0, 10);
  EXPECT_EQ(listed->back().event, event);
  EXPECT_EQ(Groups().front().state.counts.total(), 2);
}

TEST_P(StoreContractTest, AKnownIdIsKnownWithinOneCall) {
  Event other = SampleEvent("e1");
  other.http_status = 503;
  EXPECT_THAT(Append({SampleEvent("e1"), SampleEvent("e1"), other}),
              ElementsAre(Appended::kStored, Appended::kDuplicate, Appended::kConflict));
  EXPECT_EQ(Groups().front().state.counts.total(), 1);
}

TEST_P(StoreContractTest, AKnownIdOfAnotherHostMakesNoGroup) {
  Append({SampleEvent("e1")});
  EXPECT_THAT(Append({SampleEventAt("e1", "https://elsewhere.example.com/")}),
              ElementsAre(Appended::kConflict));
  EXPECT_THAT(Hosts(), ElementsAre("www.example.com"));
}

TEST_P(StoreContractTest, IdsDifferInCaseAndByTheirEnds) {
  EXPECT_THAT(
      Append({SampleEvent("e"), SampleEvent("E"), SampleEvent("e "), SampleEvent("ee")}),
      ElementsAre(Appended::kStored, Appended::kStored, Appended::kStored, Appended::kStored));
}

TEST_P(StoreContractTest, ManySendersOfOneEventStoreItOnce) {
  constexpr int kSenders = 100;
  std::vector<Appended> results(kSenders);
  std::vector<std::thread> senders;
  for (int i = 0; i < kSenders; ++i) {
    senders.emplace_back([&, i] {
      const auto appended = store_->Append({SampleEvent("the one")});
      ASSERT_TRUE(appended.ok()) << appended.status();
      results[static_cast<size_t>(i)] = appended->front();
    });
  }
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(std::count(results.begin(), results.end(), Appended::kStored), 1);
  EXPECT_EQ(std::count(results.begin(), results.end(), Appended::kDuplicate), kSenders - 1);
  EXPECT_THAT(List({}), ElementsAre("the one"));
  EXPECT_EQ(Groups().front().state.counts.total(), 1);
}

TEST_P(StoreContractTest, RowsGrowWithTime) {
  for (int call = 0; call < 5; ++call) {
    Append({SampleEvent(absl::StrCat("a", call)), SampleEvent(absl::StrCat("b", call))});
  }
  const auto listed = store_->ListEvents({}, 0, kAll);
  ASSERT_EQ(listed->size(), 10u);
  for (size_t i = 1; i < listed->size(); ++i) EXPECT_GT((*listed)[i - 1].row, (*listed)[i].row);
}

// --- Groups ---

TEST_P(StoreContractTest, AGroupIsFoldedFromItsEvents) {
  Event warning = SampleEvent("w", absl::Seconds(3));
  warning.level = Level::kWarning;
  warning.outcome = Outcome::kWarning;
  Event unanswered = SampleEvent("d", absl::Seconds(5));
  unanswered.outcome = Outcome::kDefaultAnswered;
  const std::vector<Event> events = {SampleEvent("f"), warning, unanswered};

  GroupState expected;
  for (const Event& event : events) expected = OnEvent(expected, event, Waits{});
  Append({events[0]});
  Append({events[1], events[2]});

  ASSERT_EQ(Groups().size(), 1u);
  const Group group = Groups().front();
  EXPECT_EQ(group.state, expected);
  EXPECT_TRUE(group.state.open);
  EXPECT_EQ(group.state.counts.of(Outcome::kDefaultAnswered), 1);
  EXPECT_EQ(group.key, GroupKeyOf(events[0]));
  EXPECT_EQ(NextDueAt(), expected.due_at);
}

TEST_P(StoreContractTest, AccountKindCodeAndHostEachMakeAGroup) {
  Event account = SampleEvent("1");
  account.account_sid = kOtherAccount;
  Event kind = SampleEvent("2");
  kind.kind = notifier::Kind::kMessaging;
  Event code = SampleEvent("3");
  code.error_code = 11205;
  Event host = SampleEventAt("4", "https://www.example.com:8443/index");
  Event path = SampleEventAt("5", "https://www.example.com/other?page=1");
  Append({SampleEvent("0"), account, kind, code, host, path});
  EXPECT_EQ(Groups().size(), 5u);
  EXPECT_EQ(Groups().front().state.counts.total(), 2);  // that of the last event: "0" and "5"
}

TEST_P(StoreContractTest, WaitsAreThoseGiven) {
  Make({.waits = {.group_wait = absl::Seconds(77)}});
  Append({SampleEvent("e")});
  EXPECT_EQ(NextDueAt(), At(absl::Seconds(77)));
}

TEST_P(StoreContractTest, HostsOverTheLimitFallIntoOneGroup) {
  Make({.max_open_groups = 3});
  for (int i = 1; i <= 5; ++i) {
    Append({SampleEventAt(absl::StrCat(i), absl::StrCat("https://host", i, ".example.com/"))});
  }
  Append({SampleEventAt("again", "https://host2.example.com/")});
  EXPECT_THAT(Hosts(), ElementsAre("host2.example.com", kOtherHosts, "host3.example.com",
                                   "host1.example.com"));
  EXPECT_EQ(GroupOf(kOtherHosts).state.counts.total(), 2);
  EXPECT_EQ(GroupOf("host2.example.com").state.counts.total(), 2);
}

TEST_P(StoreContractTest, HostsOverTheLimitFallIntoOneGroupAlsoWithinACall) {
  Make({.max_open_groups = 2});
  std::vector<Event> events;
  for (int i = 1; i <= 4; ++i) {
    events.push_back(
        SampleEventAt(absl::StrCat(i), absl::StrCat("https://host", i, ".example.com/")));
  }
  Append(events);
  EXPECT_THAT(Hosts(), ElementsAre(kOtherHosts, "host2.example.com", "host1.example.com"));
}

TEST_P(StoreContractTest, OtherHostsAreKeptApartByAccountKindAndCode) {
  Make({.max_open_groups = 1});
  Event account = SampleEventAt("1", "https://a.example.com/");
  account.account_sid = kOtherAccount;
  Event code = SampleEventAt("2", "https://b.example.com/");
  code.error_code = 11205;
  Append({SampleEvent("0"), account, code, SampleEventAt("3", "https://c.example.com/")});
  EXPECT_THAT(Hosts(), ElementsAre(kOtherHosts, kOtherHosts, kOtherHosts, "www.example.com"));
}

TEST_P(StoreContractTest, ARecoveredGroupMakesRoom) {
  Make({.max_open_groups = 1});
  Append({SampleEventAt("1", "https://a.example.com/")});
  const Group first = GroupOf("a.example.com");
  Write([&](StoreTransaction& store) { store.SaveGroupState(first.id, OnRecovered(first.state)); });
  Append({SampleEventAt("2", "https://b.example.com/")});
  EXPECT_THAT(Hosts(), ElementsAre("b.example.com", "a.example.com"));
  // And must wait for room in its turn.
  Append({SampleEventAt("3", "https://a.example.com/")});
  EXPECT_THAT(Hosts(), ElementsAre(kOtherHosts, "b.example.com", "a.example.com"));
}

TEST_P(StoreContractTest, DueGroupsComeLongestOverdueFirst) {
  for (int i = 0; i < 3; ++i) {
    Append({SampleEventAt(absl::StrCat(i), absl::StrCat("https://host", i, ".example.com/"))});
  }
  const absl::Duration due[] = {absl::Seconds(30), absl::Seconds(10), absl::Seconds(20)};
  for (int i = 0; i < 3; ++i) {
    Write([&](StoreTransaction& store) {
      Group group = *store.FindGroup(i + 1);
      group.state.due_at = At(due[i]);
      store.SaveGroupState(group.id, group.state);
    });
  }
  const auto hosts = [&](absl::Duration after, int max) {
    return Write([&](StoreTransaction& store) {
      std::vector<std::string> found;
      for (const Group& group : store.DueGroups(At(after), max)) found.push_back(group.key.host);
      return found;
    });
  };
  EXPECT_THAT(hosts(absl::Seconds(10) - absl::Nanoseconds(1), 10), IsEmpty());
  EXPECT_THAT(hosts(absl::Seconds(10), 10), ElementsAre("host1.example.com"));
  EXPECT_THAT(hosts(absl::Seconds(30), 10),
              ElementsAre("host1.example.com", "host2.example.com", "host0.example.com"));
  EXPECT_THAT(hosts(absl::Seconds(30), 2), ElementsAre("host1.example.com", "host2.example.com"));
  EXPECT_EQ(NextDueAt(), At(absl::Seconds(10)));
}

TEST_P(StoreContractTest, AGroupThatIsNeverDueIsNotDueAtTheEndOfTime) {
  Append({SampleEvent("e")});
  Write([&](StoreTransaction& store) {
    Group group = *store.FindGroup(1);
    group.state.due_at = absl::InfiniteFuture();
    store.SaveGroupState(1, group.state);
  });
  EXPECT_EQ(NextDueAt(), absl::InfiniteFuture());
  EXPECT_THAT(Write([](StoreTransaction& store) {
                return store.DueGroups(absl::FromUnixSeconds(9'000'000'000), 10);
              }),
              IsEmpty());
}

TEST_P(StoreContractTest, AGroupsStateComesBackAsItWent) {
  Append({SampleEvent("e")});
  const GroupState state = {
      .open = false,
      .episode = 7,
      .level = Level::kError,
      .counts = {.by_outcome = {1, 2, 3, int64_t{1} << 40}},
      .counts_before = {.by_outcome = {5, 6, 7, 8}},
      .first_at = absl::InfinitePast(),
      .last_at = At(absl::Nanoseconds(1)),
      .last_mail_at = absl::InfinitePast(),
      .due_at = absl::InfiniteFuture(),
      .quiet_until = absl::InfiniteFuture(),
  };
  Write([&](StoreTransaction& store) { store.SaveGroupState(1, state); });
  EXPECT_EQ(Write([](StoreTransaction& store) { return store.FindGroup(1)->state; }), state);
  EXPECT_EQ(GroupOf("www.example.com").state, state);
  EXPECT_FALSE(Write([](StoreTransaction& store) { return store.FindGroup(2).has_value(); }));
}

// --- What recipients were told ---

TEST_P(StoreContractTest, ToldIsKeptForEachGroupAndRecipient) {
  Append({SampleEvent("e"), SampleEventAt("f", "https://b.example.com/")});
  const Told told = {.recipient = "ops@example.com",
                     .root_message_id = "1@example.com",
                     .last_message_id = "9@example.com",
                     .mails = 3,
                     .episode = 2,
                     .recovered = true,
                     .counts = {.by_outcome = {4, 5, 6, 7}},
                     .last_event_row = 11,
                     .last_mail_at = At(absl::Seconds(1)),
                     .mail_pending = true,
                     .over_limit = true};
  const Told other = {.recipient = "oncall@example.com"};
  Told changed = told;
  changed.mails = 4;
  changed.over_limit = false;
  Write([&](StoreTransaction& store) {
    store.SaveTold(1, told);
    store.SaveTold(1, other);
    store.SaveTold(2, told);
  });
  Write([&](StoreTransaction& store) { store.SaveTold(2, changed); });
  EXPECT_THAT(Write([](StoreTransaction& store) { return store.ToldOf(1); }),
              ElementsAre(other, told));
  EXPECT_THAT(Write([](StoreTransaction& store) { return store.ToldOf(2); }), ElementsAre(changed));
  EXPECT_THAT(Write([](StoreTransaction& store) { return store.ToldOf(3); }), IsEmpty());
}

TEST_P(StoreContractTest, GroupsOverLimitAreCountedAndListed) {
  for (int i = 1; i <= 4; ++i) {
    Append({SampleEventAt(absl::StrCat(i), absl::StrCat("https://host", i, ".example.com/"))});
  }
  Write([](StoreTransaction& store) {
    for (const int64_t id : {4, 2, 1}) {
      store.SaveTold(id, {.recipient = "ops@example.com", .over_limit = id != 2});
    }
    store.SaveTold(3, {.recipient = "other@example.com", .over_limit = true});
  });
  const auto over = [&](const std::string& recipient, int max) {
    return Write([&](StoreTransaction& store) { return store.GroupsOverLimit(recipient, max); });
  };
  EXPECT_THAT(over("ops@example.com", 10), ElementsAre(1, 4));
  EXPECT_THAT(over("ops@example.com", 1), ElementsAre(1));
  EXPECT_THAT(over("nobody@example.com", 10), IsEmpty());
  EXPECT_EQ(
      Write([](StoreTransaction& store) { return store.CountGroupsOverLimit("ops@example.com"); }),
      2);
}

// --- Events of a group ---

TEST_P(StoreContractTest, EventsAfterARowAreTheNewestOldestFirst) {
  std::vector<Event> events;
  for (int i = 1; i <= 6; ++i) {
    events.push_back(SampleEvent(absl::StrCat("e", i), absl::Seconds(i)));
    events.push_back(SampleEventAt(absl::StrCat("x", i), "https://b.example.com/"));
  }
  Append(events);
  const auto after = [&](int64_t row, int max) {
    return IdsOf(Write([&](StoreTransaction& store) { return store.EventsAfter(1, row, max); }));
  };
  const std::vector<StoredEvent> all =
      Write([](StoreTransaction& store) { return store.EventsAfter(1, 0, kAll); });
  EXPECT_THAT(IdsOf(all), ElementsAre("e1", "e2", "e3", "e4", "e5", "e6"));
  EXPECT_EQ(all.front().event, events.front());
  EXPECT_THAT(after(0, 2), ElementsAre("e5", "e6"));
  EXPECT_THAT(after(all[3].row, kAll), ElementsAre("e5", "e6"));
  EXPECT_THAT(after(all[3].row - 1, kAll), ElementsAre("e4", "e5", "e6"));
  EXPECT_THAT(after(all[5].row, kAll), IsEmpty());
  EXPECT_EQ(Write([](StoreTransaction& store) { return store.NewestEventRow(1); }), all[5].row);
  EXPECT_EQ(Write([](StoreTransaction& store) { return store.NewestEventRow(3); }), 0);
  EXPECT_THAT(IdsOf(Write([](StoreTransaction& store) { return store.EventsAfter(3, 0, kAll); })),
              IsEmpty());
}

TEST_P(StoreContractTest, EventsAreCountedByUrl) {
  const auto url = [](const char* path) { return absl::StrCat("https://www.example.com", path); };
  Event unanswered = SampleEventAt("4", url("/b"));
  unanswered.outcome = Outcome::kDefaultAnswered;
  Append({SampleEventAt("1", url("/old")), SampleEventAt("2", url("/a")),
          SampleEventAt("3", url("/b")), unanswered, SampleEventAt("5", url("/c"))});
  const auto count = [&](int64_t row, int max_events, int max_urls) {
    std::vector<std::pair<std::string, int64_t>> counted;
    for (const UrlCount& url_count : Write([&](StoreTransaction& store) {
           return store.CountByUrl(1, row, max_events, max_urls);
         })) {
      counted.emplace_back(url_count.url, url_count.counts.total());
    }
    return counted;
  };
  using ::testing::Pair;
  EXPECT_THAT(count(1, kAll, 10),
              ElementsAre(Pair(url("/b"), 2), Pair(url("/a"), 1), Pair(url("/c"), 1)));
  EXPECT_THAT(count(1, kAll, 2), ElementsAre(Pair(url("/b"), 2), Pair(url("/a"), 1)));
  EXPECT_THAT(count(0, 2, 10), ElementsAre(Pair(url("/b"), 1), Pair(url("/c"), 1)));
  EXPECT_EQ(
      Write([](StoreTransaction& store) { return store.CountByUrl(1, 1, kAll, 1).front().counts; }),
      (Counts{.by_outcome = {0, 1, 1, 0}}));
}

// --- Mails ---

TEST_P(StoreContractTest, AMailComesBackAsItWent) {
  Append({SampleEvent("e")});
  Mail mail = SampleMail(1, "ops@example.com");
  mail.state = MailState::kParked;
  mail.attempts = 3;
  mail.was_ambiguous = true;
  mail.next_attempt_at = At(absl::Seconds(9));
  mail.last_error = "550";
  mail.reply = "550 no such user";
  mail.settled_at = At(absl::Seconds(8));
  mail.id = Write([&](StoreTransaction& store) { return store.AddMail(mail); });
  const Mail kept = Write([&](StoreTransaction& store) { return *store.FindMail(mail.id); });
  EXPECT_EQ(kept.id, mail.id);
  EXPECT_EQ(kept.group_id, 1);
  EXPECT_EQ(kept.recipient, mail.recipient);
  EXPECT_EQ(kept.reason, mail.reason);
  EXPECT_EQ(kept.message_id, mail.message_id);
  EXPECT_EQ(kept.subject, mail.subject);
  EXPECT_EQ(kept.bytes, mail.bytes);
  EXPECT_EQ(kept.written_at, mail.written_at);
  EXPECT_EQ(kept.state, mail.state);
  EXPECT_EQ(kept.attempts, mail.attempts);
  EXPECT_EQ(kept.was_ambiguous, mail.was_ambiguous);
  EXPECT_EQ(kept.next_attempt_at, mail.next_attempt_at);
  EXPECT_EQ(kept.last_error, mail.last_error);
  EXPECT_EQ(kept.reply, mail.reply);
  EXPECT_EQ(kept.settled_at, mail.settled_at);
}

TEST_P(StoreContractTest, OnlyAMailsOutcomeChanges) {
  const int64_t id = Write(
      [](StoreTransaction& store) { return store.AddMail(SampleMail(0, "ops@example.com")); });
  Write([&](StoreTransaction& store) {
    Mail mail = *store.FindMail(id);
    EXPECT_EQ(mail.group_id, 0);
    EXPECT_EQ(mail.settled_at, absl::InfinitePast());
    mail.bytes = "other";
    mail.subject = "other";
    mail.recipient = "other@example.com";
    mail.state = MailState::kAccepted;
    mail.attempts = 1;
    mail.reply = "250 queued";
    mail.settled_at = At(absl::Seconds(2));
    store.SaveMailOutcome(mail);
  });
  const Mail kept = Write([&](StoreTransaction& store) { return *store.FindMail(id); });
  EXPECT_EQ(kept.bytes, SampleMail(0, "").bytes);
  EXPECT_EQ(kept.subject, SampleMail(0, "").subject);
  EXPECT_EQ(kept.recipient, "ops@example.com");
  EXPECT_EQ(kept.state, MailState::kAccepted);
  EXPECT_EQ(kept.attempts, 1);
  EXPECT_EQ(kept.reply, "250 queued");
  EXPECT_EQ(kept.settled_at, At(absl::Seconds(2)));
}

TEST_P(StoreContractTest, TheNextDueMailIsTheOneThatWaitsLongest) {
  Write([](StoreTransaction& store) {
    store.AddMail(SampleMail(0, "a@example.com", absl::Seconds(20)));
    store.AddMail(SampleMail(0, "b@example.com", absl::Seconds(10)));
    Mail sending = SampleMail(0, "c@example.com");
    sending.state = MailState::kSending;
    store.AddMail(sending);
  });
  const auto next = [&](absl::Duration after) {
    return Write([&](StoreTransaction& store) {
      const std::optional<Mail> mail = store.NextDueMail(At(after));
      return mail.has_value() ? mail->recipient : std::string();
    });
  };
  EXPECT_EQ(next(absl::Seconds(10) - absl::Nanoseconds(1)), "");
  EXPECT_EQ(next(absl::Seconds(10)), "b@example.com");
  EXPECT_EQ(next(absl::Hours(1)), "b@example.com");
  EXPECT_EQ(NextDueAt(), At(absl::Seconds(10)));
  Write([](StoreTransaction& store) {
    Mail mail = *store.FindMail(2);
    mail.state = MailState::kAccepted;
    store.SaveMailOutcome(mail);
  });
  EXPECT_EQ(next(absl::Hours(1)), "a@example.com");
  EXPECT_EQ(NextDueAt(), At(absl::Seconds(20)));
}

TEST_P(StoreContractTest, MailsToARecipientAreCountedFromATimeOn) {
  Write([](StoreTransaction& store) {
    for (const int seconds : {30, 10, 20}) {
      store.AddMail(SampleMail(0, "ops@example.com", absl::Seconds(seconds)));
    }
    store.AddMail(SampleMail(0, "other@example.com", absl::Seconds(20)));
  });
  const auto since = [&](absl::Duration after) {
    return Write(
        [&](StoreTransaction& store) { return store.MailsWritten("ops@example.com", At(after)); });
  };
  EXPECT_THAT(since(absl::Seconds(20)), ElementsAre(At(absl::Seconds(20)), At(absl::Seconds(30))));
  EXPECT_THAT(since(absl::Seconds(20) + absl::Nanoseconds(1)), ElementsAre(At(absl::Seconds(30))));
  EXPECT_THAT(Write([](StoreTransaction& store) {
                return store.MailsWritten("ops@example.com", absl::InfinitePast());
              }),
              ElementsAre(At(absl::Seconds(10)), At(absl::Seconds(20)), At(absl::Seconds(30))));
}

TEST_P(StoreContractTest, DeadMailsAreThoseParkedOrExpired) {
  Write([](StoreTransaction& store) {
    const MailState states[] = {MailState::kDue,    MailState::kSending, MailState::kAccepted,
                                MailState::kParked, MailState::kExpired, MailState::kParked};
    for (int i = 0; i < 6; ++i) {
      Mail mail = SampleMail(0, "ops@example.com");
      mail.state = states[i];
      mail.settled_at = At(absl::Seconds(100 - 10 * i));
      store.AddMail(mail);
    }
  });
  const auto dead = [&](absl::Duration after, int max) {
    return IdsOf(Write([&](StoreTransaction& store) { return store.DeadMails(At(after), max); }));
  };
  EXPECT_THAT(dead(absl::ZeroDuration(), 10), ElementsAre(6, 5, 4));
  EXPECT_THAT(dead(absl::ZeroDuration(), 2), ElementsAre(6, 5));
  EXPECT_THAT(dead(absl::Seconds(60), 10), ElementsAre(5, 4));
  EXPECT_THAT(dead(absl::Seconds(60) + absl::Nanoseconds(1), 10), ElementsAre(4));
  EXPECT_THAT(IdsOf(Write([](StoreTransaction& store) {
                return store.MailsInState(MailState::kParked, 10);
              })),
              ElementsAre(4, 6));
  EXPECT_THAT(IdsOf(Write([](StoreTransaction& store) {
                return store.MailsInState(MailState::kSending, 10);
              })),
              ElementsAre(2));
}

// --- Notes, counts ---

TEST_P(StoreContractTest, NotesAreKept) {
  Write([](StoreTransaction& store) {
    EXPECT_EQ(store.Note("heartbeat"), "");
    store.SaveNote("heartbeat", "first");
    store.SaveNote("heartbeat", "second");
    EXPECT_EQ(store.Note("heartbeat"), "second");
  });
  EXPECT_EQ(Write([](StoreTransaction& store) { return store.Note("heartbeat"); }), "second");
  EXPECT_EQ(Write([](StoreTransaction& store) { return store.Note("other"); }), "");
}

TEST_P(StoreContractTest, EventsAreCountedFromATimeOn) {
  std::vector<Event> events;
  for (int i = 0; i < 4; ++i) {
    events.push_back(SampleEvent(absl::StrCat(i), absl::Seconds(i)));
    events.back().outcome = i % 2 == 0 ? Outcome::kUnknown : Outcome::kDefaultAnswered;
  }
  Append(events);
  const auto since = [&](absl::Time time) {
    return Write([&](StoreTransaction& store) { return store.CountEvents(time); });
  };
  EXPECT_EQ(since(absl::InfinitePast()), (Counts{.by_outcome = {2, 0, 2, 0}}));
  EXPECT_EQ(since(At()), (Counts{.by_outcome = {2, 0, 2, 0}}));
  EXPECT_EQ(since(At(absl::Seconds(1))), (Counts{.by_outcome = {1, 0, 2, 0}}));
  EXPECT_EQ(since(At(absl::Seconds(1) + absl::Nanoseconds(1))),
            (Counts{.by_outcome = {1, 0, 1, 0}}));
  EXPECT_EQ(since(At(absl::Seconds(4))), Counts{});
  EXPECT_EQ(Write([](StoreTransaction& store) { return store.CountOpenGroups(); }), 1);
}

TEST_P(StoreContractTest, StatusTellsHowThingsStand) {
  EXPECT_EQ(Status().open_groups, 0);
  EXPECT_EQ(Status().oldest_due_mail_at, absl::InfiniteFuture());
  Append({SampleEvent("e"), SampleEventAt("f", "https://b.example.com/"),
          SampleEventAt("g", "https://c.example.com/")});
  Write([](StoreTransaction& store) {
    store.SaveGroupState(1, OnRecovered(store.FindGroup(1)->state));
    const MailState states[] = {MailState::kAccepted, MailState::kParked,  MailState::kExpired,
                                MailState::kDue,      MailState::kSending, MailState::kDue};
    for (int i = 0; i < 6; ++i) {
      Mail mail = SampleMail(0, "ops@example.com", absl::Seconds(i));
      mail.state = states[i];
      store.AddMail(mail);
    }
  });
  const StoreStatus status = Status();
  EXPECT_EQ(status.open_groups, 2);
  EXPECT_EQ(status.recovered_groups, 1);
  EXPECT_EQ(status.due_mails, 3);
  EXPECT_EQ(status.dead_mails, 2);
  EXPECT_EQ(status.oldest_due_mail_at, At(absl::Seconds(3)));
  EXPECT_EQ(store_->Health(), absl::OkStatus());
}

// --- Transactions ---

TEST_P(StoreContractTest, ATransactionThatFailsDoesNothing) {
  Append({SampleEvent("e"), SampleEvent("f", absl::Seconds(1))});
  const Group before = Groups().front();
  Write([](StoreTransaction& store) {
    store.SaveTold(1, {.recipient = "ops@example.com", .mails = 1});
    store.AddMail(SampleMail(1, "ops@example.com"));
    store.SaveNote("n", "1");
  });
  const absl::Status wanted = absl::AbortedError("changed my mind");
  EXPECT_EQ(store_->Write([&](StoreTransaction& store) {
    store.SaveGroupState(1, OnRecovered(store.FindGroup(1)->state));
    store.SaveTold(1, {.recipient = "ops@example.com", .mails = 2});
    store.SaveTold(1, {.recipient = "new@example.com"});
    Mail mail = *store.FindMail(1);
    mail.state = MailState::kAccepted;
    store.SaveMailOutcome(mail);
    EXPECT_EQ(store.AddMail(SampleMail(1, "new@example.com")), 2);
    store.SaveNote("n", "2");
    store.SaveNote("m", "1");
    EXPECT_EQ(store.Purge(absl::InfiniteFuture(), kAll), 2);
    EXPECT_THAT(store.EventsAfter(1, 0, kAll), IsEmpty());  // it sees what it did
    return wanted;
  }),
            wanted);
  EXPECT_EQ(Groups().front().state, before.state);
  EXPECT_THAT(List({}), ElementsAre("f", "e"));
  EXPECT_THAT(List({.group_id = 1}), ElementsAre("f", "e"));
  Write([](StoreTransaction& store) {
    ASSERT_EQ(store.ToldOf(1).size(), 1u);
    EXPECT_EQ(store.ToldOf(1).front().mails, 1);
    EXPECT_EQ(store.FindMail(1)->state, MailState::kDue);
    EXPECT_FALSE(store.FindMail(2).has_value());
    EXPECT_EQ(store.Note("n"), "1");
    EXPECT_EQ(store.Note("m"), "");
    EXPECT_EQ(store.AddMail(SampleMail(1, "other@example.com")), 2);
  });
  EXPECT_THAT(Append({SampleEvent("e")}), ElementsAre(Appended::kDuplicate));
}

TEST_P(StoreContractTest, WhatRefersToNothingFailsTheTransaction) {
  Append({SampleEvent("e")});
  const std::function<void(StoreTransaction&)> verbs[] = {
      [](StoreTransaction& store) { store.SaveGroupState(2, {}); },
      [](StoreTransaction& store) { store.SaveTold(2, {.recipient = "ops@example.com"}); },
      [](StoreTransaction& store) { store.AddMail(SampleMail(2, "ops@example.com")); },
      [](StoreTransaction& store) { store.SaveMailOutcome({.id = 7}); },
  };
  for (const auto& verb : verbs) {
    EXPECT_EQ(store_
                  ->Write([&](StoreTransaction& store) {
                    store.SaveNote("n", "1");
                    verb(store);
                    // From here on nothing is done, and nothing found.
                    EXPECT_FALSE(store.FindGroup(1).has_value());
                    EXPECT_EQ(store.Note("n"), "");
                    EXPECT_THAT(store.EventsAfter(1, 0, kAll), IsEmpty());
                    store.SaveNote("m", "1");
                    return absl::OkStatus();
                  })
                  .code(),
              absl::StatusCode::kNotFound);
    Write([](StoreTransaction& store) {
      EXPECT_EQ(store.Note("n"), "");
      EXPECT_EQ(store.Note("m"), "");
    });
    EXPECT_EQ(store_->Health(), absl::OkStatus());
  }
}

// --- Lists ---

TEST_P(StoreContractTest, ListsAreNarrowedByEachFilter) {
  Event account = SampleEvent("account", absl::Minutes(1));
  account.account_sid = kOtherAccount;
  Event resource = SampleEvent("resource", absl::Minutes(2));
  resource.resource_sid = "SM0123456789abcdef0123456789abcdef";
  Event number = SampleEvent("number", absl::Minutes(3));
  number.phone_number = "+14155550100";
  Event code = SampleEvent("code", absl::Minutes(4));
  code.error_code = 12100;
  Event bare = SampleEvent("bare", absl::Minutes(5));
  bare.resource_sid = bare.phone_number = "";
  Append({account, resource, number, code, bare});

  EXPECT_THAT(List({.event_id = "number"}), ElementsAre("number"));
  EXPECT_THAT(List({.event_id = "numbe"}), IsEmpty());
  EXPECT_THAT(List({.event_id = "number", .account_sid = kOtherAccount}), IsEmpty());
  EXPECT_THAT(List({}), ElementsAre("bare", "code", "number", "resource", "account"));
  EXPECT_THAT(List({.account_sid = kOtherAccount}), ElementsAre("account"));
  EXPECT_THAT(List({.account_sid = kAccount}), ElementsAre("bare", "code", "number", "resource"));
  EXPECT_THAT(List({.resource_sid = resource.resource_sid}), ElementsAre("resource"));
  EXPECT_THAT(List({.phone_number = "+14155550199"}), ElementsAre("code", "resource", "account"));
  EXPECT_THAT(List({.error_code = 12100}), ElementsAre("code"));
  EXPECT_THAT(List({.group_id = 1}), ElementsAre("account"));
  EXPECT_THAT(List({.account_sid = kAccount, .phone_number = "+14155550100", .error_code = 11200}),
              ElementsAre("number"));
  EXPECT_THAT(List({.account_sid = kOtherAccount, .error_code = 12100}), IsEmpty());
  EXPECT_THAT(List({.account_sid = "AC"}), IsEmpty());
  EXPECT_THAT(List({.group_id = 99}), IsEmpty());
}

TEST_P(StoreContractTest, ListsAreNarrowedByTheHostOfTheGroup) {
  Make({.max_open_groups = 4});
  Event other = SampleEventAt("3", "https://a.example.com:8443/");
  other.account_sid = kOtherAccount;
  other.error_code = 12100;
  Append({SampleEventAt("0", "https://A.example.com/x"),
          SampleEventAt("1", "https://b.example.com"), SampleEventAt("2", "http://a.example.com/y"),
          other});
  other.error_url = "https://a.example.com/";
  other.event_id = "4";
  Append({other, SampleEventAt("5", "https://b.example.com"),
          SampleEventAt("6", "https://one-too-many.example.com")});
  EXPECT_THAT(List({.host = "a.example.com"}), ElementsAre("4", "2", "0"));
  EXPECT_THAT(List({.host = "a.example.com", .after_row = 1}), ElementsAre("4", "2"));
  EXPECT_THAT(List({.host = "a.example.com"}, 0, 2), ElementsAre("4", "2"));
  EXPECT_THAT(List({.host = "a.example.com"}, 5), ElementsAre("2", "0"));
  EXPECT_THAT(List({.account_sid = kOtherAccount, .host = "a.example.com"}), ElementsAre("4"));
  EXPECT_THAT(List({.error_code = 11200, .host = "a.example.com"}), ElementsAre("2", "0"));
  EXPECT_THAT(List({.phone_number = "+1", .host = "a.example.com"}), IsEmpty());
  EXPECT_THAT(List({.host = "a.example.com:8443"}), ElementsAre("3"));
  EXPECT_THAT(List({.host = kOtherHosts}), ElementsAre("6"));
  EXPECT_THAT(List({.host = "example.com"}), IsEmpty());

  EXPECT_THAT(Groups({.host = "a.example.com"}), SizeIs(2));
  EXPECT_THAT(Groups({.account_sid = kAccount, .host = "a.example.com"}), SizeIs(1));
  EXPECT_THAT(Groups({.error_code = 12100, .host = "a.example.com"}), SizeIs(1));
  EXPECT_THAT(Groups({.host = "a.example.com", .open = false}), IsEmpty());
  EXPECT_THAT(Groups({.host = "example.com"}), IsEmpty());
  EXPECT_THAT(Hosts({.group_id = 2}), ElementsAre("b.example.com"));
  EXPECT_THAT(Hosts({.host = "a.example.com", .group_id = 2}), IsEmpty());
  EXPECT_THAT(Hosts({.group_id = 99}), IsEmpty());
}

TEST_P(StoreContractTest, ListsGoOnAfterARow) {
  Append({SampleEvent("0"), SampleEvent("1"), SampleEvent("2"), SampleEvent("3")});
  EXPECT_THAT(List({.after_row = 2}), ElementsAre("3", "2"));
  EXPECT_THAT(List({.after_row = 2}, 4), ElementsAre("2"));
  EXPECT_THAT(List({.account_sid = kAccount, .after_row = 2}, 0, 1), ElementsAre("3"));
  EXPECT_THAT(List({.account_sid = kAccount, .after_row = 3}), ElementsAre("3"));
  EXPECT_THAT(List({.after_row = 1, .oldest_first = true}), ElementsAre("1", "2", "3"));
  EXPECT_THAT(List({.after_row = 1, .oldest_first = true}, 4, 1), ElementsAre("1"));
  EXPECT_THAT(List({.host = "www.example.com", .oldest_first = true}, 4),
              ElementsAre("0", "1", "2"));
  EXPECT_THAT(List({.account_sid = kAccount, .oldest_first = true}, 0, 2), ElementsAre("0", "1"));
  EXPECT_THAT(List({.after_row = 4}), IsEmpty());
  EXPECT_THAT(List({.account_sid = kAccount, .after_row = 4}), IsEmpty());
  EXPECT_THAT(List({.after_row = 1000000}), IsEmpty());
}

TEST_P(StoreContractTest, ListsAreNarrowedByTime) {
  std::vector<Event> events;
  for (int i = 0; i < 5; ++i) {
    events.push_back(SampleEvent(absl::StrCat(i)));
    events.back().occurred_at = At(absl::Hours(i));
  }
  std::swap(events[1], events[3]);  // they come in another order than they happened
  Append(events);
  const auto list = [&](absl::Time start, absl::Time end) {
    return List({.start = start, .end = end});
  };
  const absl::Time never = absl::InfiniteFuture();
  EXPECT_THAT(list(absl::InfinitePast(), never), ElementsAre("4", "1", "2", "3", "0"));
  EXPECT_THAT(list(At(absl::Hours(2)), never), ElementsAre("4", "2", "3"));
  EXPECT_THAT(list(At(absl::Hours(2) + absl::Nanoseconds(1)), never), ElementsAre("4", "3"));
  EXPECT_THAT(list(absl::InfinitePast(), At(absl::Hours(2))), ElementsAre("1", "0"));
  EXPECT_THAT(list(absl::InfinitePast(), At(absl::Hours(2) + absl::Nanoseconds(1))),
              ElementsAre("1", "2", "0"));
  EXPECT_THAT(list(At(absl::Hours(1)), At(absl::Hours(3))), ElementsAre("1", "2"));
  EXPECT_THAT(list(At(absl::Hours(5)), never), IsEmpty());
  EXPECT_THAT(list(At(absl::Hours(3)), At(absl::Hours(3))), IsEmpty());
}

TEST_P(StoreContractTest, ListsAreNarrowedByLevel) {
  std::vector<Event> events = {SampleEvent("1"), SampleEvent("2"), SampleEvent("3")};
  events[1].level = Level::kWarning;
  Append(events);
  EXPECT_THAT(List({.level = Level::kError}), ElementsAre("3", "1"));
  EXPECT_THAT(List({.account_sid = kAccount, .level = Level::kWarning}), ElementsAre("2"));
  EXPECT_THAT(List({.account_sid = kOtherAccount, .level = Level::kWarning}), IsEmpty());
}

TEST_P(StoreContractTest, ListsBeginWithTheOldestWhereThatIsWanted) {
  std::vector<Event> events;
  for (int i = 0; i < 5; ++i) events.push_back(SampleEvent(absl::StrCat(i)));
  Append(events);
  EXPECT_THAT(List({.oldest_first = true}), ElementsAre("0", "1", "2", "3", "4"));
  EXPECT_THAT(List({.account_sid = kAccount, .after_row = 2, .oldest_first = true}),
              ElementsAre("2", "3", "4"));
  const auto next = store_->ListEvents({.after_row = 1, .oldest_first = true}, 5, 2);
  ASSERT_TRUE(next.ok());
  ASSERT_EQ(next->size(), 2u);
  EXPECT_EQ((*next)[0].row, 2);
  EXPECT_EQ((*next)[1].row, 3);
}

TEST_P(StoreContractTest, PagesFollowOneAnother) {
  std::vector<Event> events;
  for (int i = 0; i < 7; ++i) events.push_back(SampleEvent(absl::StrCat(i)));
  Append(events);
  std::vector<std::string> seen;
  int64_t before_row = 0;
  for (;;) {
    const auto page = store_->ListEvents({.account_sid = kAccount}, before_row, 3);
    ASSERT_TRUE(page.ok());
    if (page->empty()) break;
    for (const StoredEvent& stored : *page) seen.push_back(stored.event.event_id);
    before_row = page->back().row;
    Append({SampleEvent(absl::StrCat("new", before_row))});  // does not disturb them
  }
  EXPECT_THAT(seen, ElementsAre("6", "5", "4", "3", "2", "1", "0"));
  EXPECT_THAT(List({}, 1), IsEmpty());
}

TEST_P(StoreContractTest, GroupsAreListedByTheirLastEvent) {
  for (const int host : {1, 2, 3, 1}) {
    Append({SampleEventAt(absl::StrCat("e", host, Status().open_groups),
                          absl::StrCat("https://host", host, ".example.com/"))});
  }
  Event other = SampleEventAt("other", "https://host4.example.com/");
  other.account_sid = kOtherAccount;
  other.error_code = 12100;
  Append({other});
  Write([](StoreTransaction& store) {
    store.SaveGroupState(2, OnRecovered(store.FindGroup(2)->state));
  });
  EXPECT_THAT(Hosts(), ElementsAre("host4.example.com", "host1.example.com", "host3.example.com",
                                   "host2.example.com"));
  EXPECT_THAT(Hosts({.account_sid = kOtherAccount}), ElementsAre("host4.example.com"));
  EXPECT_THAT(Hosts({.error_code = 11200}),
              ElementsAre("host1.example.com", "host3.example.com", "host2.example.com"));
  EXPECT_THAT(Hosts({.open = false}), ElementsAre("host2.example.com"));
  EXPECT_THAT(Hosts({.account_sid = kAccount, .open = true}),
              ElementsAre("host1.example.com", "host3.example.com"));
  EXPECT_THAT(Hosts({.account_sid = kOtherAccount, .error_code = 11200}), IsEmpty());

  std::vector<std::string> seen;
  std::optional<Store::GroupPlace> before;
  for (int page = 0; page < 4; ++page) {
    const auto groups = store_->ListGroups({}, before, 1);
    ASSERT_EQ(groups->size(), 1u);
    seen.push_back(groups->front().group.key.host);
    before = groups->front().place;
  }
  EXPECT_EQ(seen, Hosts());
  EXPECT_THAT(*store_->ListGroups({}, before, 1), IsEmpty());
}

// --- Purge ---

TEST_P(StoreContractTest, PurgeTakesOldEventsAndNoOthers) {
  std::vector<Event> events;
  for (int i = 0; i < 6; ++i) {
    events.push_back(SampleEvent(absl::StrCat(i), absl::Seconds(i)));
  }
  Append(events);
  const auto purge = [&](absl::Duration before, int max) {
    return Write([&](StoreTransaction& store) { return store.Purge(At(before), max); });
  };
  EXPECT_EQ(purge(absl::ZeroDuration(), kAll), 0);
  EXPECT_EQ(purge(absl::Seconds(4), 3), 3);
  EXPECT_THAT(List({}), ElementsAre("5", "4", "3"));
  EXPECT_THAT(List({.group_id = 1}), ElementsAre("5", "4", "3"));
  EXPECT_EQ(purge(absl::Seconds(4), 3), 1);
  EXPECT_EQ(purge(absl::Seconds(4), 3), 0);
  EXPECT_THAT(List({}), ElementsAre("5", "4"));
  EXPECT_EQ(Write([](StoreTransaction& store) { return store.CountEvents(At()); }).total(), 2);
  // What a group counted stays counted.
  EXPECT_EQ(Groups().front().state.counts.total(), 6);
  // A purged id is not known any more.
  EXPECT_THAT(Append({SampleEvent("0", absl::Seconds(9)), SampleEvent("5", absl::Seconds(5))}),
              ElementsAre(Appended::kStored, Appended::kDuplicate));
}

TEST_P(StoreContractTest, RowsAreNotGivenTwice) {
  Append({SampleEvent("1"), SampleEvent("2")});
  const int64_t last = store_->ListEvents({}, 0, 1)->front().row;
  EXPECT_EQ(
      Write([](StoreTransaction& store) { return store.Purge(absl::InfiniteFuture(), kAll); }), 2);
  EXPECT_THAT(List({}), IsEmpty());
  EXPECT_EQ(Write([](StoreTransaction& store) { return store.NewestEventRow(1); }), last);
  Append({SampleEvent("3", absl::Minutes(1))});
  EXPECT_GT(store_->ListEvents({}, 0, 1)->front().row, last);
  EXPECT_THAT(List({.group_id = 1}), ElementsAre("3"));
}

TEST_P(StoreContractTest, PurgeTakesSettledMailsAndNoOthers) {
  Write([](StoreTransaction& store) {
    const MailState states[] = {MailState::kDue,    MailState::kSending, MailState::kAccepted,
                                MailState::kParked, MailState::kExpired, MailState::kAccepted};
    for (int i = 0; i < 6; ++i) {
      Mail mail = SampleMail(0, "ops@example.com");
      mail.state = states[i];
      mail.settled_at = i < 2 ? absl::InfinitePast() : At(absl::Seconds(i));
      store.AddMail(mail);
    }
    EXPECT_EQ(store.Purge(At(absl::Seconds(5)), 2), 0);
  });
  const auto kept = [&] {
    return Write([](StoreTransaction& store) {
      std::vector<int64_t> ids;
      for (int64_t id = 1; id <= 6; ++id) {
        if (store.FindMail(id).has_value()) ids.push_back(id);
      }
      return ids;
    });
  };
  EXPECT_THAT(kept(), ElementsAre(1, 2, 5, 6));
  Write([](StoreTransaction& store) { store.Purge(At(absl::Seconds(5)), 2); });
  EXPECT_THAT(kept(), ElementsAre(1, 2, 6));
}

TEST_P(StoreContractTest, PurgeTakesGroupsThatNothingRefersTo) {
  // Each but the last has one reason to stay.
  for (int i = 1; i <= 7; ++i) {
    Append({SampleEventAt(absl::StrCat(i), absl::StrCat("https://host", i, ".example.com/"))});
  }
  Append({SampleEventAt("late", "https://host1.example.com/", absl::Hours(2))});
  Write([](StoreTransaction& store) {
    for (int64_t id = 1; id <= 7; ++id) {
      GroupState state = store.FindGroup(id)->state;
      state.due_at = id == 2 ? At(absl::Hours(3)) : absl::InfiniteFuture();
      state.open = id == 3;
      if (id == 1) state.last_at = At();
      if (id == 4) state.last_at = At(absl::Hours(1));
      store.SaveGroupState(id, state);
      store.SaveTold(id, {.recipient = "ops@example.com", .over_limit = id == 5});
    }
    store.AddMail(SampleMail(6, "ops@example.com"));
  });
  Write([](StoreTransaction& store) { store.Purge(At(absl::Hours(1)), kAll); });
  std::set<std::string> hosts;
  for (const std::string& host : Hosts()) hosts.insert(host);
  EXPECT_THAT(hosts, ElementsAre("host1.example.com", "host2.example.com", "host3.example.com",
                                 "host4.example.com", "host5.example.com", "host6.example.com"));
  EXPECT_THAT(Write([](StoreTransaction& store) { return store.ToldOf(7); }), IsEmpty());

  // Its like is a new group, with a number of its own.
  Append({SampleEventAt("again", "https://host7.example.com/", absl::Hours(2))});
  EXPECT_EQ(GroupOf("host7.example.com").id, 8);
  EXPECT_EQ(GroupOf("host7.example.com").state.episode, 1);
}

TEST_P(StoreContractTest, PurgeTakesNoMoreGroupsThanAskedAndTheOldestFirst) {
  for (int i = 1; i <= 3; ++i) {
    Append({SampleEventAt(absl::StrCat(i), absl::StrCat("https://host", i, ".example.com/"),
                          absl::Seconds(4 - i))});
  }
  Write([](StoreTransaction& store) {
    EXPECT_EQ(store.Purge(At(absl::Hours(1)), kAll), 3);
    for (int64_t id = 1; id <= 3; ++id) {
      GroupState state = OnRecovered(store.FindGroup(id)->state);
      state.due_at = absl::InfiniteFuture();
      store.SaveGroupState(id, state);
    }
    EXPECT_EQ(store.Purge(At(absl::Hours(1)), 2), 0);
  });
  EXPECT_THAT(Hosts(), ElementsAre("host1.example.com"));
}

TEST_P(StoreContractTest, PurgeGoesByWhenEventsWereReceivedAndTakesThemInOrderOfRows) {
  // The clock was set back between them.
  Append({SampleEvent("1", absl::Seconds(9)), SampleEvent("2", absl::Seconds(1)),
          SampleEvent("3", absl::Seconds(2)), SampleEvent("4", absl::Seconds(0))});
  const auto purge = [&](int max) {
    return Write([&](StoreTransaction& store) { return store.Purge(At(absl::Seconds(2)), max); });
  };
  EXPECT_EQ(purge(1), 1);
  EXPECT_THAT(List({}), ElementsAre("4", "3", "1"));
  EXPECT_EQ(purge(5), 1);
  EXPECT_THAT(List({}), ElementsAre("3", "1"));
  EXPECT_EQ(Write([](StoreTransaction& store) {
              return store.CountEvents(At(absl::Seconds(3)));
            }).total(),
            1);
}

// --- What the page asks ---

TEST_P(StoreContractTest, EventsAreCountedByMinuteAndCode) {
  Event other = SampleEvent("2", absl::Seconds(1));
  other.error_code = 12100;
  other.outcome = Outcome::kDefaultAnswered;
  Event unknown_code = SampleEvent("3");
  unknown_code.error_code = 77777;
  Event no_code = SampleEvent("4");
  no_code.error_code = 0;
  Append({SampleEvent("1"), other, unknown_code, no_code});
  Append(
      {SampleEvent("1"), SampleEvent("5", absl::Seconds(59)), SampleEvent("6", absl::Minutes(1))});
  // At() begins a minute.
  const auto counted = store_->CountsByMinute(At(absl::Seconds(59)));
  ASSERT_TRUE(counted.ok());
  Counts once;
  once.Add(Outcome::kFallbackAnswered);
  Counts twice;
  twice.Add(Outcome::kFallbackAnswered, 2);
  Counts by_default;
  by_default.Add(Outcome::kDefaultAnswered);
  EXPECT_THAT(*counted, ElementsAre(MinuteCounts{At(), notifier::kOtherCodes, once},
                                    MinuteCounts{At(), 0, once}, MinuteCounts{At(), 11200, twice},
                                    MinuteCounts{At(), 12100, by_default},
                                    MinuteCounts{At(absl::Minutes(1)), 11200, once}));
  EXPECT_THAT(*store_->CountsByMinute(At(absl::Minutes(1))),
              ElementsAre(MinuteCounts{At(absl::Minutes(1)), 11200, once}));
  EXPECT_THAT(*store_->CountsByMinute(At(absl::Minutes(2))), IsEmpty());
}

TEST_P(StoreContractTest, EventsAreCountedByHourAndGroup) {
  Append({SampleEventAt("1", "https://a.example.com/"),
          SampleEventAt("2", "https://b.example.com/", absl::Minutes(59)),
          SampleEventAt("3", "https://a.example.com/", absl::Hours(2))});
  Append({SampleEventAt("4", "https://a.example.com/", absl::Minutes(1))});
  const int64_t a = GroupOf("a.example.com").id;
  const int64_t b = GroupOf("b.example.com").id;
  // At() begins an hour.
  EXPECT_THAT(*store_->CountsByHour({b, a, 99}, At()),
              ElementsAre(HourCount{b, At(), 1}, HourCount{a, At(), 2},
                          HourCount{a, At(absl::Hours(2)), 1}));
  EXPECT_THAT(*store_->CountsByHour({a}, At(absl::Hours(1))),
              ElementsAre(HourCount{a, At(absl::Hours(2)), 1}));
  EXPECT_THAT(*store_->CountsByHour({a}, At(-absl::Hours(notifier::kMaxHoursListed))), IsEmpty());
  EXPECT_THAT(*store_->CountsByHour({a}, At(-absl::Hours(notifier::kMaxHoursListed - 1))),
              ElementsAre(HourCount{a, At(), 2}));
  EXPECT_THAT(*store_->CountsByHour({}, At()), IsEmpty());
}

TEST_P(StoreContractTest, CountsGoOnceTheirTimeIsWhollyOver) {
  for (int minute = 0; minute < 4; ++minute) {
    Append({SampleEvent(absl::StrCat(minute), absl::Minutes(minute))});
  }
  Append({SampleEvent("later", absl::Hours(1))});
  const auto purge = [&](absl::Duration before, int max) {
    Write([&](StoreTransaction& store) { store.Purge(At(before), max); });
    return std::pair(store_->CountsByMinute(At())->size(), store_->CountsByHour({1}, At())->size());
  };
  EXPECT_EQ(purge(absl::Minutes(1) - absl::Nanoseconds(1), 9), (std::pair<size_t, size_t>(5, 2)));
  EXPECT_EQ(purge(absl::Minutes(1), 9), (std::pair<size_t, size_t>(4, 2)));
  EXPECT_EQ(purge(absl::Minutes(59), 1), (std::pair<size_t, size_t>(3, 2)));
  EXPECT_EQ(purge(absl::Hours(1), 9), (std::pair<size_t, size_t>(1, 1)));
}

TEST_P(StoreContractTest, AGroupAndAnEventAreFoundByTheirNumbers) {
  Append({SampleEvent("1"), SampleEventAt("2", "https://b.example.com/")});
  const auto listed = store_->ListEvents({}, 0, 10);
  for (const StoredEvent& stored : *listed) {
    const auto found = store_->FindEvent(stored.row);
    ASSERT_TRUE(found.ok() && found->has_value());
    EXPECT_EQ((*found)->event, stored.event);
    EXPECT_EQ((*found)->group_id, stored.group_id);
  }
  const Group group = GroupOf("b.example.com");
  const auto found = store_->FindGroup(group.id);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->key, group.key);
  EXPECT_EQ((*found)->state, group.state);
  EXPECT_FALSE(store_->FindGroup(99)->has_value());
  EXPECT_FALSE(store_->FindEvent(99)->has_value());
  EXPECT_FALSE(store_->FindEvent(-1)->has_value());
}

TEST_P(StoreContractTest, EventsAreFoundByTheBeginningOfTheirUrl) {
  Make({.max_open_groups = 2});
  Append({SampleEventAt("a1", "https://a.example.com/voice?x=1"),
          SampleEventAt("b1", "http://b.example.com/"),
          SampleEventAt("a2", "http://a.example.com/Menu"),
          SampleEventAt("c1", "https://c.example.com/voice"),  // falls into "(other hosts)"
          SampleEventAt("a3", "https://a.example.com:8443/voice"),
          SampleEventAt("a4", "https://A.example.com/voice")});
  const auto find = [&](const std::string& host, const std::string& begins) {
    const auto found = store_->Search({.host = host, .url_begins = begins}, 0, 10, kAll);
    EXPECT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->rest_before_row, 0);
    return IdsOf(found->events);
  };
  EXPECT_THAT(find("a.example.com", ""), ElementsAre("a4", "a2", "a1"));
  EXPECT_THAT(find("a.example.com", "a.example.com/voice"), ElementsAre("a4", "a1"));
  EXPECT_THAT(find("a.example.com", "a.example.com/VOICE?x=1"), ElementsAre("a1"));
  EXPECT_THAT(find("a.example.com", "http://a.example.com/"), ElementsAre("a2"));
  EXPECT_THAT(find("a.example.com:8443", "a.example.com:8443/v"), ElementsAre("a3"));
  EXPECT_THAT(find("c.example.com", "https://c.example.com/"), ElementsAre("c1"));
  EXPECT_THAT(find("example.com", ""), IsEmpty());
  EXPECT_THAT(find(kOtherHosts, ""), IsEmpty());
}

TEST_P(StoreContractTest, ASearchSaysWhereToGoOn) {
  for (int i = 0; i < 7; ++i) {
    Event event = SampleEventAt(absl::StrCat(i), "https://a.example.com/", absl::Seconds(i));
    event.resource_sid = i % 3 == 0 ? "CA1" : "CA2";
    Append({event});
  }
  const notifier::EventSearch search = {.filter = {.resource_sid = "CA1"}, .host = "a.example.com"};
  const auto first = store_->Search(search, 0, 2, kAll);
  ASSERT_TRUE(first.ok());
  EXPECT_THAT(IdsOf(first->events), ElementsAre("6", "3"));
  ASSERT_NE(first->rest_before_row, 0);
  const auto second = store_->Search(search, first->rest_before_row, 2, kAll);
  EXPECT_THAT(IdsOf(second->events), ElementsAre("0"));
  EXPECT_EQ(second->rest_before_row, 0);
  const auto exact = store_->Search(search, 0, 3, kAll);
  EXPECT_EQ(exact->events.size(), 3u);
  EXPECT_EQ(exact->rest_before_row, 0);
  const auto by_time = store_->Search(
      {.filter = {.start = At(absl::Seconds(2)), .end = At(absl::Seconds(4))}}, 0, 10, kAll);
  EXPECT_THAT(IdsOf(by_time->events), ElementsAre("4", "3"));  // 40 ms before they were received
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContractTest,
                         ::testing::Values(Kind{.name = "Sqlite", .make = MakeSqlite},
                                           Kind{.name = "Sim", .make = MakeSim}),
                         NameOf);

}  // namespace
}  // namespace understudy::testing
