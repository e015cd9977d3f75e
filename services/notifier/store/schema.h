// The shape of the database file, and how an older shape becomes today's.
#ifndef SERVICES_NOTIFIER_STORE_SCHEMA_H_
#define SERVICES_NOTIFIER_STORE_SCHEMA_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "services/notifier/store/sqlite.h"

namespace understudy::notifier {

// The scripts of migrations/ in order: the nth leads from schema n - 1 to schema n. The file says
// which one it has (PRAGMA user_version). Published scripts never change.
absl::Span<const char* const> Migrations();

// Whether `connection` is to a file that Migrate() can bring up to date: FailedPrecondition for one
// of a newer program, and for a database of something else. Else what failed.
absl::Status CheckSchema(Connection& connection, absl::Span<const char* const> migrations);

// Applies what is missing, in one transaction. REQUIRES: CheckSchema was OK. Failures are the
// connection's.
void Migrate(Connection& connection, absl::Span<const char* const> migrations);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_STORE_SCHEMA_H_
