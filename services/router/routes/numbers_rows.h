// Rows of the numbers' database, as resources and back.
#ifndef SERVICES_ROUTER_ROUTES_NUMBERS_ROWS_H_
#define SERVICES_ROUTER_ROUTES_NUMBERS_ROWS_H_

#include <cstdint>

#include "common/sqlite/sqlite.h"
#include "services/router/routes/number_resource.h"

namespace understudy::router {

// Columns of a SELECT, in the order in which the functions below read them.
extern const char kNumberColumns[];
extern const char kApplicationColumns[];

struct NumberRow {
  int64_t id = 0;
  IncomingPhoneNumber number = {};
};
struct ApplicationRow {
  int64_t id = 0;
  Application application = {};
};

NumberRow ReadNumber(sqlite::Rows& rows);
ApplicationRow ReadApplication(sqlite::Rows& rows);

// `commit` is the number of the transaction. An id of 0 makes a new row.
void WriteNumber(sqlite::Connection& connection, int64_t commit, const NumberRow& row);
void WriteApplication(sqlite::Connection& connection, int64_t commit, const ApplicationRow& row);

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBERS_ROWS_H_
