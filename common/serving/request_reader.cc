#include "common/serving/request_reader.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <utility>
#include <variant>

namespace understudy::serving {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr Refusal kMalformed = {400, "The request is malformed."};
constexpr Refusal kMalformedChunks = {400, "The chunks of the request's body are malformed."};
constexpr Refusal kLineTooLong = {431, "A chunk's line, or what follows the last, is too large."};
constexpr Refusal kBodyTooLarge = {413, "The request's body is too large."};
constexpr Refusal kNoRoom = {503, "There is no room for the request at the moment."};

absl::string_view FromBeast(beast::string_view text) {
  return {text.data(), text.size()};
}

bool HasBareLf(absl::string_view text) {
  for (size_t at = text.find('\n'); at != absl::string_view::npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

}  // namespace

bool ByteBudget::Take(size_t bytes) {
  const size_t held = held_.load(std::memory_order_relaxed);
  if (bytes > bytes_max_ - held) return false;
  held_.store(held + bytes, std::memory_order_relaxed);
  return true;
}

void ByteBudget::Give(size_t bytes) {
  held_.store(held_.load(std::memory_order_relaxed) - bytes, std::memory_order_relaxed);
}

// Beast's parser, filling a request. Limits of its own are off: it counts a head's bytes anew with
// each piece that comes.
class RequestReader::Parser final : public http::basic_parser<true> {
 public:
  Parser(HttpRequest& request, size_t body_bytes_max)
      : request_(request), body_bytes_max_(body_bytes_max) {
    eager(true);
    header_limit(std::numeric_limits<uint32_t>::max());
    // boost::none would refuse every Content-Length.
    body_limit(std::numeric_limits<uint64_t>::max());
  }

  int minor_version() const { return minor_version_; }
  bool body_is_too_large() const { return body_is_too_large_; }

 private:
  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, error_code&) override {
    request_.method = std::string(FromBeast(method));
    request_.target = std::string(FromBeast(target));
    minor_version_ = version - 10;
  }

  void on_field_impl(http::field, beast::string_view name, beast::string_view value,
                     error_code&) override {
    // What follows the last chunk may not pass for what was said before the body.
    if (head_is_done_) return;
    request_.headers.push_back({std::string(FromBeast(name)), std::string(FromBeast(value))});
  }

  void on_header_impl(error_code&) override { head_is_done_ = true; }

  size_t on_body_impl(beast::string_view bytes, error_code& error) override {
    if (bytes.size() > body_bytes_max_ - request_.body.size()) {
      body_is_too_large_ = true;
      error = http::error::body_limit;
      return 0;
    }
    request_.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  void on_chunk_header_impl(uint64_t size, beast::string_view extensions,
                            error_code& error) override {
    if (HasBareLf(FromBeast(extensions))) error = http::error::bad_chunk_extension;
    if (size > body_bytes_max_ - request_.body.size()) {
      body_is_too_large_ = true;
      error = http::error::body_limit;
    }
  }

  size_t on_chunk_body_impl(uint64_t, beast::string_view bytes, error_code& error) override {
    return on_body_impl(bytes, error);
  }

  void on_response_impl(int, beast::string_view, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  HttpRequest& request_;
  const size_t body_bytes_max_;
  int minor_version_ = 1;
  bool head_is_done_ = false;
  bool body_is_too_large_ = false;
};

RequestReader::RequestReader(const RequestLimits& limits, ByteBudget& budget)
    : limits_(limits), budget_(budget), scanner_(limits) {}

RequestReader::~RequestReader() {
  budget_.Give(held_);
}

void RequestReader::Abandon() {
  parser_.reset();
  // Not by assignment: that leaves a string its memory.
  std::string().swap(request_.body);
  std::string().swap(unread_);
  request_ = {};
  Hold(0);
  state_ = State::kRefused;
}

RequestReader::State RequestReader::Refuse(const Refusal& refusal) {
  refusal_ = refusal;
  Abandon();
  return state_;
}

bool RequestReader::Hold(size_t bytes) {
  const size_t needed = bytes - std::min(bytes, limits_.own_bytes);
  if (needed <= held_) {
    budget_.Give(held_ - needed);
  } else if (!budget_.Take(needed - held_)) {
    return false;
  }
  held_ = needed;
  return true;
}

RequestReader::State RequestReader::Read(absl::string_view bytes) {
  wire_bytes_ += bytes.size();
  if (!Hold(wire_bytes_)) return Refuse(kNoRoom);
  unread_.append(bytes.data(), bytes.size());
  return Advance();
}

HttpRequest RequestReader::TakeRequest() {
  request_.path = std::move(framing_.path);
  request_.query = std::move(framing_.query);
  return std::move(request_);
}

RequestReader::State RequestReader::Next() {
  wire_bytes_ = unread_.size();
  Hold(wire_bytes_);  // less than before
  // A connection that waits for its next request holds nothing.
  if (unread_.empty()) std::string().swap(unread_);
  request_ = {};
  framing_ = {};
  state_ = State::kIdle;
  return Advance();
}

bool RequestReader::expects_continue() const {
  return framing_.expects_continue && body_wire_bytes_ == 0 && unread_.empty();
}

RequestReader::State RequestReader::Advance() {
  if (state_ == State::kIdle) {
    if (unread_.empty()) return state_;
    scanner_ = HeadScanner(limits_);
    state_ = State::kHead;
  }
  if (state_ == State::kHead) ReadHead();
  if (state_ == State::kBody) ReadBody();
  return state_;
}

RequestReader::State RequestReader::ReadHead() {
  switch (scanner_.Scan(unread_)) {
    case HeadScanner::State::kMore:
      // An empty line begins no request.
      return state_ = unread_.size() == scanner_.begin() ? State::kIdle : State::kHead;
    case HeadScanner::State::kRefused:
      return Refuse(scanner_.refusal());
    case HeadScanner::State::kWhole:
      break;
  }
  const size_t begin = scanner_.begin();
  const size_t head_bytes = scanner_.end() - begin;
  parser_ = std::make_unique<Parser>(request_, limits_.body_bytes);
  error_code error;
  const size_t taken =
      parser_->put(boost::asio::const_buffer(unread_.data() + begin, head_bytes), error);
  if (error || taken != head_bytes) return Refuse(kMalformed);
  unread_.erase(0, scanner_.end());

  std::variant<Framing, Refusal> checked = CheckHead(parser_->minor_version(), request_.method,
                                                     request_.target, request_.headers, limits_);
  if (const auto* refusal = std::get_if<Refusal>(&checked)) return Refuse(*refusal);
  framing_ = std::get<Framing>(std::move(checked));
  keeps_alive_ = parser_->keep_alive();
  body_wire_bytes_ = 0;
  if (framing_.has_body()) return state_ = State::kBody;
  parser_.reset();
  return state_ = State::kWhole;
}

RequestReader::State RequestReader::ReadBody() {
  const absl::string_view unread = unread_;
  size_t at = 0;
  while (at < unread.size() && !parser_->is_done()) {
    const absl::string_view window = unread.substr(at, limits_.head_bytes);
    // No chunked body is shorter. Beast's parser, given the shortest one in two pieces, runs into
    // an assertion of its own.
    if (framing_.is_chunked && body_wire_bytes_ == 0 && window.size() < kLastChunkBytes) break;
    error_code error;
    const size_t taken =
        parser_->put(boost::asio::const_buffer(window.data(), window.size()), error);
    at += taken;
    body_wire_bytes_ += taken;
    if (parser_->body_is_too_large()) return Refuse(kBodyTooLarge);
    if (error && error != http::error::need_more) return Refuse(kMalformedChunks);
    if (framing_.is_chunked && body_wire_bytes_ > MaxChunkedWireBytes(limits_)) {
      return Refuse(kBodyTooLarge);
    }
    if (taken > 0) continue;
    // It is a part of a chunk's line, or of what follows the last.
    if (HasBareLf(window)) return Refuse(kMalformedChunks);
    if (window.size() == limits_.head_bytes) return Refuse(kLineTooLong);
    break;
  }
  unread_.erase(0, at);
  if (!parser_->is_done()) return state_;
  parser_.reset();
  return state_ = State::kWhole;
}

}  // namespace understudy::serving
