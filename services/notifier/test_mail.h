// `understudy-notifier --send-test-mail ADDRESS`: proves the settings for mail, or says in words
// what is wrong with them.
#ifndef SERVICES_NOTIFIER_TEST_MAIL_H_
#define SERVICES_NOTIFIER_TEST_MAIL_H_

#include <optional>

namespace understudy::notifier {

// Exit status 0 if the mail server took the mail, 1 if not, 2 for wrong usage or configuration;
// nullopt if the arguments ask for something else.
std::optional<int> SendTestMailIfAsked(int argc, char** argv);

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_TEST_MAIL_H_
