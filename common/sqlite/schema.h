// The shape of a database file, and how an older shape becomes today's.
#ifndef COMMON_SQLITE_SCHEMA_H_
#define COMMON_SQLITE_SCHEMA_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/sqlite/sqlite.h"

namespace understudy::sqlite {

struct Schema {
  // By which a file is known as one of its kind (PRAGMA application_id).
  int32_t application_id = 0;
  // Scripts in order: the nth leads from schema n - 1 to schema n. The file says which one it has
  // (PRAGMA user_version). Published scripts never change.
  absl::Span<const char* const> migrations = {};
};

// Whether `connection` is to a file that Migrate() can bring up to date: FailedPrecondition for one
// of a newer program, and for a database of something else. Else what failed.
absl::Status CheckSchema(Connection& connection, const Schema& schema);

// Applies what is missing, in one transaction. REQUIRES: CheckSchema was OK. Failures are the
// connection's.
void Migrate(Connection& connection, const Schema& schema);

}  // namespace understudy::sqlite

#endif  // COMMON_SQLITE_SCHEMA_H_
