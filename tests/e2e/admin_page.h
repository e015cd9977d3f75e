// What a service's admin port says.
#ifndef TESTS_E2E_ADMIN_PAGE_H_
#define TESTS_E2E_ADMIN_PAGE_H_

#include <string>

namespace understudy::testing {

// GET of an admin page: the body, or "" if it could not be had.
std::string ReadAdminPage(int port, const std::string& path);
// The value of a line of /metrics such as `understudy_in_flight` or
// `understudy_resolutions_total{kind="voice",source="primary"}`; -1 if there is none.
double ReadMetric(int admin_port, const std::string& series);

}  // namespace understudy::testing

#endif  // TESTS_E2E_ADMIN_PAGE_H_
