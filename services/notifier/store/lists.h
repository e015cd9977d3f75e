// What is asked outside of transactions: lists, and how things stand.
#ifndef SERVICES_NOTIFIER_STORE_LISTS_H_
#define SERVICES_NOTIFIER_STORE_LISTS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "common/sqlite/sqlite.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

using sqlite::Connection;
using sqlite::Rows;

// As Store's functions of the same names. Failures are the connection's.
std::vector<StoredEvent> ListEvents(Connection& connection, const EventFilter& filter,
                                    int64_t before_row, int max);
std::vector<Store::ListedGroup> ListGroups(Connection& connection, const GroupFilter& filter,
                                           std::optional<Store::GroupPlace> before, int max);
std::optional<Group> FindGroup(Connection& connection, int64_t id);
std::optional<StoredEvent> FindEvent(Connection& connection, int64_t row);
absl::Time NextDueAt(Connection& connection);
StoreStatus ReadStatus(Connection& connection);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_LISTS_H_
