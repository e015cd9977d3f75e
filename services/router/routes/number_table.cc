#include "services/router/routes/number_table.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/numbers.h"
#include "common/twilio/identifiers.h"
#include "services/router/resolve/request.h"

namespace understudy::router {
namespace {

// Entries to either side of where a key would lie that are looked at one by one.
constexpr std::ptrdiff_t kNear = 24;

// How texts are packed: their bytes' number, then each field. Methods are bits of a byte, every
// text has its length before it. Both sides are below, so that they can be held against each other.
using Length = uint16_t;

void PutText(absl::string_view text, std::string& out) {
  const auto length =
      static_cast<Length>(std::min<size_t>(text.size(), std::numeric_limits<Length>::max()));
  out.append(reinterpret_cast<const char*>(&length), sizeof(length));
  out.append(text.data(), length);
}
absl::string_view TakeText(const char*& at) {
  Length length = 0;
  std::memcpy(&length, at, sizeof(length));
  const absl::string_view text(at + sizeof(length), length);
  at += sizeof(length) + length;
  return text;
}

void PutHandler(const HandlerText& handler, std::string& out) {
  out.push_back(static_cast<char>((handler.method == Method::kGet ? 1 : 0) |
                                  (handler.fallback_method == Method::kGet ? 2 : 0)));
  PutText(handler.url, out);
  PutText(handler.fallback_url, out);
}
HandlerText TakeHandler(const char*& at) {
  HandlerText handler;
  const char methods = *at++;
  handler.method = (methods & 1) != 0 ? Method::kGet : Method::kPost;
  handler.fallback_method = (methods & 2) != 0 ? Method::kGet : Method::kPost;
  handler.url = TakeText(at);
  handler.fallback_url = TakeText(at);
  return handler;
}

void Pack(const NumberText& number, std::string& out) {
  out.clear();
  PutText(number.account_sid, out);
  PutHandler(number.voice, out);
  PutText(number.voice_application_sid, out);
  PutText(number.trunk_sid, out);
  PutHandler(number.messaging, out);
  PutText(number.messaging_application_sid, out);
}
NumberText UnpackNumber(const char* at) {
  at += sizeof(uint32_t);
  NumberText number;
  number.account_sid = TakeText(at);
  number.voice = TakeHandler(at);
  number.voice_application_sid = TakeText(at);
  number.trunk_sid = TakeText(at);
  number.messaging = TakeHandler(at);
  number.messaging_application_sid = TakeText(at);
  return number;
}

void Pack(const ApplicationText& application, std::string& out) {
  out.clear();
  PutHandler(application.voice, out);
  PutHandler(application.messaging, out);
}
ApplicationText UnpackApplication(const char* at) {
  at += sizeof(uint32_t);
  ApplicationText application;
  application.voice = TakeHandler(at);
  application.messaging = TakeHandler(at);
  return application;
}

// Spreads keys that lie close together, as numbers do that are given out in a row. Each is of one
// key alone. Source: the last step of MurmurHash3.
uint64_t Mix(uint64_t key) {
  key ^= key >> 33;
  key *= 0xFF51AFD7ED558CCDu;
  key ^= key >> 33;
  key *= 0xC4CEB9FE1A85EC53u;
  return key ^ (key >> 33);
}

// No two numbers have the same: they do not begin with 0.
std::optional<PhoneKey> PhoneKeyOf(absl::string_view phone_number) {
  if (!twilio::IsPhoneNumber(phone_number)) return std::nullopt;
  uint64_t digits = 0;
  for (const char digit : phone_number.substr(1)) {
    digits = digits * 10 + static_cast<uint64_t>(digit - '0');
  }
  return PhoneKey{Mix(digits)};
}

std::optional<SidKey> SidKeyOf(absl::string_view sid) {
  if (!twilio::IsSid(sid, "AP")) return std::nullopt;
  SidKey key = {};
  if (!absl::SimpleHexAtoi(sid.substr(2, 16), &key[0]) ||
      !absl::SimpleHexAtoi(sid.substr(18, 16), &key[1])) {
    return std::nullopt;
  }
  key[0] = Mix(key[0]);
  return key;
}

void AddBins(const HandlerText& handler, absl::flat_hash_set<std::string>& names) {
  for (const absl::string_view url : {handler.url, handler.fallback_url}) {
    if (const auto name = BinName(url)) names.emplace(*name);
  }
}

}  // namespace

template <typename Key>
ShardedMap<Key>::ShardedMap() : shards_(std::make_shared<const Shards>()) {}

template <typename Key>
const char* ShardedMap<Key>::Find(const Key& key) const {
  const std::shared_ptr<const Shard>& shard = shards_->shards[key[0] >> (64 - kShardBits)];
  if (shard == nullptr) return nullptr;
  // Evenly spread as they are, it is a few entries from where it would lie: one or two lines of the
  // processor's cache, where halving the shard would touch five. Halving is for what is not.
  const auto less = [](const Entry& entry, const Key& wanted) { return entry.key < wanted; };
  const auto share = static_cast<uint64_t>(key[0] << kShardBits) >> 32;
  auto begin = shard->begin();
  auto end = shard->end();
  auto at = begin + static_cast<std::ptrdiff_t>((share * shard->size()) >> 32);
  const auto near_begin = at - begin > kNear ? at - kNear : begin;
  const auto near_end = end - at > kNear ? at + kNear : end;
  if (near_begin != begin && !less(*near_begin, key)) {
    at = std::lower_bound(begin, near_begin, key, less);
  } else if (near_end != end && less(*near_end, key)) {
    at = std::lower_bound(near_end, end, key, less);
  } else {
    while (at != near_begin && !less(*std::prev(at), key)) --at;
    while (at != near_end && less(*at, key)) ++at;
  }
  return at == end || at->key != key ? nullptr : at->text.get();
}

template <typename Key>
ShardedMap<Key>::Change::Change(const ShardedMap& map) : before_(map.shards_) {}

template <typename Key>
void ShardedMap<Key>::Change::Set(const Key& key, PackedText text) {
  const size_t index = key[0] >> (64 - kShardBits);
  if (changed_.empty()) changed_.resize(kShards);
  std::unique_ptr<Shard>& shard = changed_[index];
  if (shard == nullptr) {
    const std::shared_ptr<const Shard>& old = before_->shards[index];
    shard = old == nullptr ? std::make_unique<Shard>() : std::make_unique<Shard>(*old);
  }
  shard->push_back({key, std::move(text)});
}

template <typename Key>
ShardedMap<Key> ShardedMap<Key>::Change::Finish() {
  if (changed_.empty()) return ShardedMap(before_);
  auto after = std::make_shared<Shards>(*before_);
  for (size_t i = 0; i < kShards; ++i) {
    if (changed_[i] == nullptr) continue;
    Shard& all = *changed_[i];
    // What came last of a key is the last of its equals.
    std::stable_sort(all.begin(), all.end(),
                     [](const Entry& a, const Entry& b) { return a.key < b.key; });
    size_t kept = 0;
    for (size_t j = 0; j < all.size(); ++j) {
      if (j + 1 < all.size() && all[j + 1].key == all[j].key) continue;
      if (all[j].text == nullptr) continue;
      if (kept != j) all[kept] = std::move(all[j]);
      ++kept;
    }
    all.resize(kept);
    all.shrink_to_fit();
    if (after->shards[i] != nullptr) after->size -= after->shards[i]->size();
    after->size += kept;
    after->shards[i] = kept == 0 ? nullptr : std::make_shared<const Shard>(std::move(all));
    changed_[i] = nullptr;
  }
  return ShardedMap(std::move(after));
}

template class ShardedMap<PhoneKey>;
template class ShardedMap<SidKey>;

std::optional<NumberText> NumberTable::FindNumber(absl::string_view phone_number) const {
  const std::optional<PhoneKey> key = PhoneKeyOf(phone_number);
  if (!key.has_value()) return std::nullopt;
  const char* const packed = numbers_.Find(*key);
  if (packed == nullptr) return std::nullopt;
  return UnpackNumber(packed);
}

std::optional<ApplicationText> NumberTable::FindApplication(absl::string_view sid) const {
  const std::optional<SidKey> key = SidKeyOf(sid);
  if (!key.has_value()) return std::nullopt;
  const char* const packed = applications_.Find(*key);
  if (packed == nullptr) return std::nullopt;
  return UnpackApplication(packed);
}

absl::flat_hash_set<std::string> NumberTable::Bins() const {
  absl::flat_hash_set<std::string> names;
  numbers_.ForEach([&](const PhoneKey&, const char* packed) {
    const NumberText number = UnpackNumber(packed);
    AddBins(number.voice, names);
    AddBins(number.messaging, names);
  });
  applications_.ForEach([&](const SidKey&, const char* packed) {
    const ApplicationText application = UnpackApplication(packed);
    AddBins(application.voice, names);
    AddBins(application.messaging, names);
  });
  return names;
}

size_t PackedTexts::Hash::operator()(absl::string_view bytes) const {
  return absl::Hash<absl::string_view>()(bytes);
}
size_t PackedTexts::Hash::operator()(const PackedText& text) const {
  return absl::Hash<absl::string_view>()(BytesOf(text));
}

absl::string_view PackedTexts::BytesOf(const PackedText& text) {
  uint32_t size = 0;
  std::memcpy(&size, text.get(), sizeof(size));
  return {text.get() + sizeof(size), size};
}

PackedText PackedTexts::Keep(const std::string& bytes) {
  const auto found = texts_.find(absl::string_view(bytes));
  if (found != texts_.end()) return *found;
  if (texts_.size() >= prune_at_) Prune();
  const auto size = static_cast<uint32_t>(bytes.size());
  auto text = std::make_shared<char[]>(sizeof(size) + bytes.size());
  std::memcpy(text.get(), &size, sizeof(size));
  std::memcpy(text.get() + sizeof(size), bytes.data(), bytes.size());
  return *texts_.insert(std::move(text)).first;
}

void PackedTexts::Prune() {
  absl::erase_if(texts_, [](const PackedText& text) { return text.use_count() == 1; });
  prune_at_ = std::max<size_t>(2 * texts_.size(), 1024);
}

NumberTableChange::NumberTableChange(const NumberTable& table, PackedTexts& texts)
    : texts_(texts), numbers_(table.numbers_), applications_(table.applications_) {}

void NumberTableChange::SetNumber(absl::string_view phone_number, const NumberText& text) {
  const std::optional<PhoneKey> key = PhoneKeyOf(phone_number);
  if (!key.has_value()) return;
  Pack(text, buffer_);
  numbers_.Set(*key, texts_.Keep(buffer_));
}

void NumberTableChange::EraseNumber(absl::string_view phone_number) {
  if (const std::optional<PhoneKey> key = PhoneKeyOf(phone_number)) numbers_.Erase(*key);
}

void NumberTableChange::SetApplication(absl::string_view sid, const ApplicationText& text) {
  const std::optional<SidKey> key = SidKeyOf(sid);
  if (!key.has_value()) return;
  Pack(text, buffer_);
  applications_.Set(*key, texts_.Keep(buffer_));
}

void NumberTableChange::EraseApplication(absl::string_view sid) {
  if (const std::optional<SidKey> key = SidKeyOf(sid)) applications_.Erase(*key);
}

NumberTable NumberTableChange::Finish() {
  NumberTable table;
  table.numbers_ = numbers_.Finish();
  table.applications_ = applications_.Finish();
  return table;
}

}  // namespace understudy::router
