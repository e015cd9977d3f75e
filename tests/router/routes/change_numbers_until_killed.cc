// Changes numbers until somebody kills it, and tells what it is about to do and what was answered:
//   change_numbers_until_killed DATABASE SEED
// Lines: "PHONE try VALUE", then "PHONE is VALUE" once that is acknowledged. VALUE is the friendly
// name, or "-" for a number that is gone.
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/router/routes/numbers_world.h"
#include "tests/testing/require.h"

namespace understudy::testing {
namespace {

// One write, which a pipe takes whole.
void Tell(const std::string& line) {
  Require(::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()),
          "telling");
}

int Main(int argc, char** argv) {
  Require(argc == 3, "arguments: DATABASE SEED");
  const auto store = OpenStore(argv[1]);
  std::mt19937_64 random(std::strtoull(argv[2], nullptr, 10));
  std::map<std::string, std::string> sids;  // by phone number
  for (const auto& number : ListAll(*store, kOwner)) sids[number.phone_number] = number.sid;
  for (uint64_t i = 0;; ++i) {
    const std::string phone = NumberOf(static_cast<int>(random() % 30));
    const auto sid = sids.find(phone);
    const std::string name = absl::StrCat(argv[2], ".", i);
    const bool is_deletion = sid != sids.end() && random() % 3 == 0;
    const std::string value = is_deletion ? "-" : name;
    Tell(absl::StrCat(phone, " try ", value, "\n"));
    if (is_deletion) {
      Good(store->DeleteNumber(kOwner, sid->second, kToday));
      sids.erase(sid);
    } else if (sid != sids.end()) {
      Good(store->UpdateNumber(kOwner, sid->second, {{"FriendlyName", name}}, kToday));
    } else {
      sids[phone] = Good(store->CreateNumber(
                             kOwner, "", {{"PhoneNumber", phone}, {"FriendlyName", name}}, kToday))
                        .sid;
    }
    Tell(absl::StrCat(phone, " is ", value, "\n"));
  }
}

}  // namespace
}  // namespace understudy::testing

int main(int argc, char** argv) {
  return understudy::testing::Main(argc, argv);
}
