// Reads requests off a wire.
#ifndef TESTS_TESTING_REQUEST_READER_H_
#define TESTS_TESTING_REQUEST_READER_H_

#include <cstddef>
#include <string>

#include "tests/testing/http.h"
#include "tests/testing/wire.h"

namespace understudy::testing {

enum class Reading {
  kDone,
  kEnded,  // the client went before the request was whole
  kBad     // not a request of HTTP/1.0 or 1.1, or too large
};

// Keeps what came with one request and belongs to the next. For one thread.
class RequestReader {
 public:
  // `wire` must outlive the reader. Header and body together may have `bytes_max` bytes.
  RequestReader(Wire& wire, size_t bytes_max) : wire_(wire), bytes_max_(bytes_max) {}

  Reading ReadHead(Request& request);
  // REQUIRES: the request's head was read, and nothing since.
  Reading ReadBody(Request& request);

 private:
  Reading ReadLine(std::string& line);
  Reading ReadBytes(size_t count, std::string& bytes);
  Reading ReadChunks(std::string& body);

  Wire& wire_;
  const size_t bytes_max_;
  size_t bytes_left_ = 0;  // that the current request may still have
  std::string unread_;
};

}  // namespace understudy::testing

#endif  // TESTS_TESTING_REQUEST_READER_H_
