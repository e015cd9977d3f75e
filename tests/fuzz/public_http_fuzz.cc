// Any bytes as what a stranger sends to a public server, in one piece and in many.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/serving/request_reader.h"
#include "tests/fuzz/fuzz_target.h"

using absl::string_view;
using understudy::serving::ByteBudget;
using understudy::serving::HttpHeader;
using understudy::serving::HttpRequest;
using understudy::serving::IsToken;
using understudy::serving::RequestLimits;
using understudy::serving::RequestReader;
using understudy::testing::Require;

namespace {

// Small, so that short inputs reach them.
constexpr RequestLimits kLimits = {
    .head_bytes = 256, .headers = 8, .body_bytes = 64, .own_bytes = 32};
constexpr size_t kBudget = 4096;

struct Reading {
  std::vector<HttpRequest> requests = {};
  int status = 0;  // 0: not refused
};

void CheckRequest(const HttpRequest& request) {
  Require(IsToken(request.method), "methods are tokens");
  Require(!request.path.empty() && (request.path[0] == '/' || request.path == "*"),
          "paths begin at the root");
  Require(request.path.find_first_of("? \r\n") == std::string::npos, "paths end before the query");
  Require(request.target.size() + 1 >= request.path.size() + request.query.size(),
          "nothing is made up");
  Require(request.headers.size() <= 8, "there are so many headers at most");
  Require(request.body.size() <= kLimits.body_bytes, "a body has so many bytes at most");
  int hosts = 0;
  int lengths = 0;
  size_t header_bytes = request.method.size() + request.target.size();
  for (const HttpHeader& header : request.headers) {
    Require(IsToken(header.name), "names are tokens");
    Require(header.value.find_first_of(string_view("\0\r\n", 3).data(), 0, 3) == std::string::npos,
            "nothing can break out of a header");
    std::string name = header.name;
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    hosts += name == "host" ? 1 : 0;
    lengths += name == "content-length" || name == "transfer-encoding" ? 1 : 0;
    header_bytes += header.name.size() + header.value.size();
  }
  Require(hosts <= 1 && lengths <= 1,
          "nothing is said twice that two could understand in two ways");
  Require(header_bytes <= kLimits.head_bytes, "a head has so many bytes at most");
}

// Shows the reader `bytes` in pieces of the sizes in `pieces`, in turn.
Reading Read(string_view bytes, string_view pieces) {
  ByteBudget budget(kBudget);
  Reading reading;
  {
    RequestReader reader(kLimits, budget);
    size_t piece = 0;
    while (!bytes.empty()) {
      const size_t size = pieces.empty()
                              ? bytes.size()
                              : 1 + static_cast<unsigned char>(pieces[piece++ % pieces.size()]);
      reader.Read(bytes.substr(0, size));
      bytes.remove_prefix(std::min(size, bytes.size()));
      while (reader.state() == RequestReader::State::kWhole) {
        reading.requests.push_back(reader.TakeRequest());
        CheckRequest(reading.requests.back());
        reader.Next();
      }
      if (reader.state() == RequestReader::State::kRefused) {
        reading.status = reader.refusal().status;
        Require(reading.status >= 400 && reading.status < 600, "refusals are errors");
        Require(!reader.refusal().reason.empty(), "refusals give a reason");
        Require(budget.held() == 0, "what is refused is not held");
        break;
      }
    }
  }
  Require(budget.held() == 0, "everything is given back");
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  string_view input(reinterpret_cast<const char*>(data), size);
  if (input.size() > kBudget) return 0;
  const string_view pieces = input.substr(0, std::min<size_t>(input.size(), 3));
  const string_view bytes = input.substr(pieces.size());
  const Reading at_once = Read(bytes, {});
  const Reading by_byte = Read(bytes, string_view("\0", 1));
  const Reading in_pieces = Read(bytes, pieces);
  Require(at_once.requests == by_byte.requests, "requests do not depend on when their bytes come");
  Require(at_once.requests == in_pieces.requests,
          "requests do not depend on when their bytes come");
  Require((at_once.status == 0) == (by_byte.status == 0), "nor do refusals");
  Require((at_once.status == 0) == (in_pieces.status == 0), "nor do refusals");
  return 0;
}
