// What calls need to know of numbers and applications, packed: a million numbers in memory, found
// without a lock, changed one by one. Pure.
#ifndef SERVICES_ROUTER_ROUTES_NUMBER_TABLE_H_
#define SERVICES_ROUTER_ROUTES_NUMBER_TABLE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "services/router/resolve/call.h"

namespace understudy::router {

// Texts are views: of the caller's memory on the way in, of the table's on the way out.
struct HandlerText {
  absl::string_view url = {};  // empty: none
  Method method = Method::kPost;
  absl::string_view fallback_url = {};
  Method fallback_method = Method::kPost;

  friend bool operator==(const HandlerText&, const HandlerText&) = default;
};

struct NumberText {
  absl::string_view account_sid = {};
  HandlerText voice = {};
  absl::string_view voice_application_sid = {};
  absl::string_view trunk_sid = {};
  HandlerText messaging = {};
  absl::string_view messaging_application_sid = {};

  friend bool operator==(const NumberText&, const NumberText&) = default;
};

struct ApplicationText {
  HandlerText voice = {};
  HandlerText messaging = {};

  friend bool operator==(const ApplicationText&, const ApplicationText&) = default;
};

// Immutable bytes that begin with their number. Numbers with equal fields share them.
using PackedText = std::shared_ptr<const char[]>;

// A map from keys to packed texts that does not change; a changed one shares with it the shards
// that are the same. Copies are cheap. Keys spread evenly over all 64 bits of their first part.
template <typename Key>
class ShardedMap {
  struct Shards;

 public:
  static constexpr int kShardBits = 12;
  static constexpr size_t kShards = size_t{1} << kShardBits;

  struct Entry {
    Key key = {};
    PackedText text = {};  // null in a change: to be taken out
  };
  using Shard = std::vector<Entry>;  // by key

  ShardedMap();

  // Null if there is none. Lives as long as the map, or another that shares it. Allocates nothing.
  const char* Find(const Key& key) const;
  size_t size() const { return shards_->size; }
  // Calls `visit(key, text)` for each, in no order.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const std::shared_ptr<const Shard>& shard : shards_->shards) {
      if (shard == nullptr) continue;
      for (const Entry& entry : *shard) visit(entry.key, entry.text.get());
    }
  }

  // Gathers what is to be different, each shard aside. Of changes of one key the last counts.
  class Change {
   public:
    explicit Change(const ShardedMap& map);

    void Set(const Key& key, PackedText text);
    void Erase(const Key& key) { Set(key, nullptr); }
    // Once.
    ShardedMap Finish();

   private:
    std::shared_ptr<const typename ShardedMap::Shards> before_;
    // By shard, null: as before. Empty: nothing is changed.
    std::vector<std::unique_ptr<Shard>> changed_;
  };

 private:
  struct Shards {
    std::array<std::shared_ptr<const Shard>, kShards> shards = {};  // null: empty
    size_t size = 0;
  };
  explicit ShardedMap(std::shared_ptr<const Shards> shards) : shards_(std::move(shards)) {}

  std::shared_ptr<const Shards> shards_;  // never null
};

using PhoneKey = std::array<uint64_t, 1>;  // the digits, mixed
using SidKey = std::array<uint64_t, 2>;    // the digits, the first half mixed

// Does not change once made, so any thread may look things up; copies are cheap. What a look-up
// returns lives as long as the table or a copy of it.
class NumberTable {
 public:
  // Numbers as they are written; nothing for what is no number.
  std::optional<NumberText> FindNumber(absl::string_view phone_number) const;
  std::optional<ApplicationText> FindApplication(absl::string_view sid) const;

  size_t numbers() const { return numbers_.size(); }
  size_t applications() const { return applications_.size(); }

  // The names of bins that handlers refer to, once each.
  absl::flat_hash_set<std::string> Bins() const;

 private:
  friend class NumberTableChange;

  ShardedMap<PhoneKey> numbers_;
  ShardedMap<SidKey> applications_;
};

// The texts that tables have, so that equal ones are there once. Used by one thread at a time.
class PackedTexts {
 public:
  PackedText Keep(const std::string& bytes);
  // Lets go of those that no table has any more. Called by Keep() when they may have become many.
  void Prune();
  size_t size() const { return texts_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(absl::string_view bytes) const;
    size_t operator()(const PackedText& text) const;
  };
  struct Equal {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return BytesOf(a) == BytesOf(b);
    }
  };
  static absl::string_view BytesOf(absl::string_view bytes) { return bytes; }
  static absl::string_view BytesOf(const PackedText& text);

  absl::flat_hash_set<PackedText, Hash, Equal> texts_;
  size_t prune_at_ = 1024;
};

// The next table: made aside, while the other is in use. What is no number and no sid is ignored;
// of changes of the same one the last counts.
class NumberTableChange {
 public:
  // `texts` must be the same for all tables of a row.
  NumberTableChange(const NumberTable& table, PackedTexts& texts);

  void SetNumber(absl::string_view phone_number, const NumberText& text);
  void EraseNumber(absl::string_view phone_number);
  void SetApplication(absl::string_view sid, const ApplicationText& text);
  void EraseApplication(absl::string_view sid);

  // Once.
  NumberTable Finish();

 private:
  PackedTexts& texts_;
  ShardedMap<PhoneKey>::Change numbers_;
  ShardedMap<SidKey>::Change applications_;
  std::string buffer_;
};

}  // namespace understudy::router

#endif  // SERVICES_ROUTER_ROUTES_NUMBER_TABLE_H_
