#include "services/router/routes/number_table.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <new>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/numbers.h"
#include "common/twilio/identifiers.h"
#include "services/router/resolve/request.h"

namespace understudy::router {
namespace {

// Entries to either side of where a key would lie that are looked at one by one.
constexpr std::ptrdiff_t kNear = 24;

// How texts are packed: each field. Methods are bits of a byte, every
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

// Sorts by key; of those with the same key the last stays, unless it is to be taken out.
template <typename Entry>
void Tidy(std::vector<Entry>& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
  size_t kept = 0;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i + 1 < entries.size() && entries[i + 1].key == entries[i].key) continue;
    if (entries[i].text.is_null()) continue;
    if (kept != i) entries[kept] = std::move(entries[i]);
    ++kept;
  }
  entries.resize(kept);
  entries.shrink_to_fit();
}

void AddBins(const HandlerText& handler, absl::flat_hash_set<std::string>& names) {
  for (const absl::string_view url : {handler.url, handler.fallback_url}) {
    if (const auto name = BinName(url)) names.emplace(*name);
  }
}

}  // namespace

PackedText::PackedText(absl::string_view bytes)
    : head_(new (::operator new(sizeof(Head) + bytes.size()))
                Head{.size = static_cast<uint32_t>(bytes.size())}) {
  std::memcpy(reinterpret_cast<char*>(head_ + 1), bytes.data(), bytes.size());
}

void PackedText::Free() {
  head_->~Head();
  ::operator delete(head_);
}

template <typename Key>
ShardedMap<Key>::ShardedMap() : root_(std::make_shared<const Root>()) {}

template <typename Key>
const char* ShardedMap<Key>::Find(const Key& key) const {
  const std::shared_ptr<const Branch>& branch = root_->branches[BranchOf(key)];
  if (branch == nullptr) return nullptr;
  const std::shared_ptr<const Shard>& shard = branch->shards[ShardOf(key)];
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
  return at == end || at->key != key ? nullptr : at->text.data();
}

template <typename Key>
ShardedMap<Key>::Change::Change(const ShardedMap& map) : before_(map.root_) {}

template <typename Key>
void ShardedMap<Key>::Change::Set(const Key& key, PackedText text) {
  is_changed_ = true;
  std::vector<std::unique_ptr<Shard>>& branch = changed_[BranchOf(key)];
  if (branch.empty()) branch.resize(kBranches);
  std::unique_ptr<Shard>& shard = branch[ShardOf(key)];
  if (shard == nullptr) {
    shard = std::make_unique<Shard>();
    const std::shared_ptr<const Branch>& old = before_->branches[BranchOf(key)];
    if (old != nullptr && old->shards[ShardOf(key)] != nullptr) *shard = *old->shards[ShardOf(key)];
  }
  shard->push_back({key, std::move(text)});
}

template <typename Key>
ShardedMap<Key> ShardedMap<Key>::Change::Finish() {
  if (!is_changed_) return ShardedMap(before_);
  auto root = std::make_shared<Root>(*before_);
  for (size_t i = 0; i < kBranches; ++i) {
    if (changed_[i].empty()) continue;
    auto branch = root->branches[i] == nullptr ? std::make_shared<Branch>()
                                               : std::make_shared<Branch>(*root->branches[i]);
    for (size_t j = 0; j < kBranches; ++j) {
      if (changed_[i][j] == nullptr) continue;
      Shard& entries = *changed_[i][j];
      Tidy(entries);
      std::shared_ptr<const Shard>& shard = branch->shards[j];
      if (shard != nullptr) root->size -= shard->size();
      root->size += entries.size();
      shard = entries.empty() ? nullptr : std::make_shared<const Shard>(std::move(entries));
    }
    changed_[i].clear();
    root->branches[i] = std::move(branch);
  }
  return ShardedMap(std::move(root));
}

template class ShardedMap<PhoneKey>;
template class ShardedMap<SidKey>;

std::optional<NumberText> NumberTable::FindNumber(absl::string_view phone_number) const {
  const std::optional<PhoneKey> key = PhoneKeyOf(phone_number);
  if (!key.has_value()) return std::nullopt;
  const char* const packed = maps_->numbers.Find(*key);
  if (packed == nullptr) return std::nullopt;
  return UnpackNumber(packed);
}

std::optional<ApplicationText> NumberTable::FindApplication(absl::string_view sid) const {
  const std::optional<SidKey> key = SidKeyOf(sid);
  if (!key.has_value()) return std::nullopt;
  const char* const packed = maps_->applications.Find(*key);
  if (packed == nullptr) return std::nullopt;
  return UnpackApplication(packed);
}

absl::flat_hash_set<std::string> NumberTable::Bins() const {
  absl::flat_hash_set<std::string> names;
  maps_->numbers.ForEach([&](const PhoneKey&, const char* packed) {
    const NumberText number = UnpackNumber(packed);
    AddBins(number.voice, names);
    AddBins(number.messaging, names);
  });
  maps_->applications.ForEach([&](const SidKey&, const char* packed) {
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

PackedText PackedTexts::Keep(absl::string_view bytes) {
  const auto found = texts_.find(bytes);
  if (found != texts_.end()) return *found;
  if (texts_.size() >= prune_at_) Prune();
  return *texts_.insert(PackedText(bytes)).first;
}

void PackedTexts::Prune() {
  absl::erase_if(texts_, [](const PackedText& text) { return text.has_one_holder(); });
  prune_at_ = std::max<size_t>(2 * texts_.size(), 1024);
}

NumberTableChange::NumberTableChange(const NumberTable& table, PackedTexts& texts)
    : texts_(texts), numbers_(table.maps_->numbers), applications_(table.maps_->applications) {}

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
  return NumberTable(std::make_shared<const NumberTable::Maps>(
      NumberTable::Maps{.numbers = numbers_.Finish(), .applications = applications_.Finish()}));
}

}  // namespace understudy::router
