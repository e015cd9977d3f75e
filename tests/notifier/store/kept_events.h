// What is in a store, looked at as a whole.
#ifndef TESTS_NOTIFIER_STORE_KEPT_EVENTS_H_
#define TESTS_NOTIFIER_STORE_KEPT_EVENTS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "services/notifier/store/store.h"

namespace understudy::testing {

using Ids = std::set<std::string>;

// The ids of all events, each of which must be there once; its groups must have counted as many.
inline Ids IdsIn(notifier::Store& store) {
  constexpr int kAll = 10'000'000;
  const auto events = store.ListEvents({}, 0, kAll);
  EXPECT_TRUE(events.ok()) << events.status();
  if (!events.ok()) return {};
  Ids ids;
  std::map<int64_t, int64_t> by_group;
  for (const notifier::StoredEvent& stored : *events) {
    EXPECT_TRUE(ids.insert(stored.event.event_id).second) << stored.event.event_id << " twice";
    ++by_group[stored.group_id];
  }
  const auto groups = store.ListGroups({}, std::nullopt, kAll);
  EXPECT_TRUE(groups.ok()) << groups.status();
  if (!groups.ok()) return {};
  for (const auto& group : *groups) {
    EXPECT_EQ(group.group.state.counts.total(), by_group[group.group.id]);
  }
  return ids;
}

inline bool Includes(const Ids& all, const Ids& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace understudy::testing

#endif  // TESTS_NOTIFIER_STORE_KEPT_EVENTS_H_
