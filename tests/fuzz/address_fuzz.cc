// Any bytes as an address, and as a range of them.
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/router/fetch/address.h"
#include "services/router/fetch/egress.h"
#include "tests/fuzz/fuzz_target.h"

using understudy::router::AddressClass;
using understudy::router::Cidr;
using understudy::router::ClassifyAddress;
using understudy::router::IpAddress;
using understudy::router::ParseAddress;
using understudy::router::ParseCidr;
using understudy::testing::Require;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);

  if (const std::optional<IpAddress> address = ParseAddress(input)) {
    const std::string written = address->ToString();
    Require(ParseAddress(written) == *address, "an address survives being written");
    const absl::StatusOr<Cidr> alone = ParseCidr(written);
    Require(alone.ok() && alone->Contains(*address), "an address is a range of one");
    Require(ClassifyAddress({.allow = {*alone}}, *address) == AddressClass::kAllowed &&
                ClassifyAddress({.allow = {*alone}, .deny = {*alone}}, *address) ==
                    AddressClass::kDenied,
            "the operator's entry decides, a denial before all");
  }

  const absl::StatusOr<Cidr> cidr = ParseCidr(input);
  if (!cidr.ok()) {
    Require(!cidr.status().message().empty(), "a mistake is named");
    return 0;
  }
  const int widest = cidr->address.v6 ? 128 : 32;
  Require(cidr->prefix >= 0 && cidr->prefix <= widest, "a prefix fits its family");
  Require(cidr->Contains(cidr->address), "a range holds its first address");
  const absl::StatusOr<Cidr> again =
      ParseCidr(absl::StrCat(cidr->address.ToString(), "/", cidr->prefix));
  Require(again.ok() && *again == *cidr, "a range survives being written");
  // Beyond the prefix any bit may differ, within it none.
  for (int bit = 0; bit < widest; ++bit) {
    IpAddress neighbour = cidr->address;
    neighbour.bytes[static_cast<size_t>(bit / 8)] ^= static_cast<uint8_t>(0x80 >> (bit % 8));
    Require(cidr->Contains(neighbour) == (bit >= cidr->prefix), "the prefix is what decides");
  }
  return 0;
}
