#include "common/sqlite/schema.h"

#include "absl/strings/str_cat.h"

namespace understudy::sqlite {
namespace {

int64_t NumberOf(Connection& connection, absl::string_view sql) {
  Rows rows = connection.Query(sql);
  return rows.Next() ? rows.Int() : 0;
}

int64_t VersionOf(Connection& connection) {
  return NumberOf(connection, "PRAGMA user_version");
}

}  // namespace

absl::Status CheckSchema(Connection& connection, const Schema& schema) {
  const bool has_tables = NumberOf(connection, "SELECT count(*) FROM sqlite_schema") > 0;
  const int64_t application = NumberOf(connection, "PRAGMA application_id");
  const int64_t version = VersionOf(connection);
  if (!connection.ok()) return ToStatus(connection.failure());
  if (has_tables && application != schema.application_id) {
    return absl::FailedPreconditionError("the file is a database of another program");
  }
  if (version > static_cast<int64_t>(schema.migrations.size())) {
    return absl::FailedPreconditionError(
        absl::StrCat("the file was written by a newer program (schema ", version,
                     "; this one knows up to ", schema.migrations.size(), ")"));
  }
  return absl::OkStatus();
}

void Migrate(Connection& connection, const Schema& schema) {
  const auto newest = static_cast<int64_t>(schema.migrations.size());
  if (VersionOf(connection) == newest) return;
  connection.Run("BEGIN IMMEDIATE");
  // Another process may have been here first.
  const int64_t version = VersionOf(connection);
  if (version < newest) {
    for (const char* script : schema.migrations.subspan(static_cast<size_t>(version))) {
      connection.RunScript(script);
    }
    connection.RunScript(absl::StrCat("PRAGMA application_id = ", schema.application_id,
                                      "; PRAGMA user_version = ", newest));
  }
  connection.Run("COMMIT");
}

}  // namespace understudy::sqlite
