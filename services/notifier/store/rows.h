// Between the values of store.h and rows of the database: columns in one order for each, for every
// statement that reads or writes them.
#ifndef SERVICES_NOTIFIER_STORE_ROWS_H_
#define SERVICES_NOTIFIER_STORE_ROWS_H_

#include "absl/strings/string_view.h"
#include "common/sqlite/sqlite.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

using sqlite::Blob;
using sqlite::Connection;
using sqlite::OptionalText;
using sqlite::Rows;

// What ReadX reads, for a SELECT. That of an event is of `e` and kJoinDetails, which goes behind
// the tables.
extern const absl::string_view kStoredEventColumns;
extern const absl::string_view kJoinDetails;
extern const absl::string_view kGroupColumns;
extern const absl::string_view kToldColumns;
extern const absl::string_view kMailColumns;

StoredEvent ReadStoredEvent(Rows& rows);
Group ReadGroup(Rows& rows);
Told ReadTold(Rows& rows);
Mail ReadMail(Rows& rows);

// Failures are the connection's.
void InsertEvent(Connection& connection, int64_t row, int64_t group_id, int64_t fingerprint,
                 const Event& event);
// An empty group, which is to be updated in the same transaction; returns its id.
int64_t InsertGroup(Connection& connection, const GroupKey& key);
void UpdateGroup(Connection& connection, int64_t id, const GroupState& state,
                 int64_t last_event_row, int64_t new_events);
// The UpdateXs return how many rows that were: 0 if there is none of that id.
int UpdateGroupState(Connection& connection, int64_t id, const GroupState& state);
void UpsertTold(Connection& connection, int64_t group_id, const Told& told);
int64_t InsertMail(Connection& connection, const Mail& mail);
int UpdateMailOutcome(Connection& connection, const Mail& mail);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_ROWS_H_
