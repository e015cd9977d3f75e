// What calls need to know of numbers and applications, packed: a million numbers in memory, found
// without a lock, changed one by one. Pure.
#ifndef SERVICES_ROUTER_ROUTES_NUMBER_TABLE_H_
#define SERVICES_ROUTER_ROUTES_NUMBER_TABLE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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

// Bytes that do not change, shared by all that hold them: of a std::shared_ptr it is a third. A
// text may be held by any threads, and let go of by any.
class PackedText {
 public:
  PackedText() = default;  // null
  explicit PackedText(absl::string_view bytes);
  PackedText(const PackedText& other) : head_(other.head_) {
    if (head_ != nullptr) head_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  PackedText(PackedText&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
  PackedText& operator=(PackedText other) noexcept {
    std::swap(head_, other.head_);
    return *this;
  }
  ~PackedText() {
    if (head_ != nullptr && head_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) Free();
  }

  bool is_null() const { return head_ == nullptr; }
  // REQUIRES: not null.
  const char* data() const { return reinterpret_cast<const char*>(head_ + 1); }
  absl::string_view bytes() const { return {data(), head_->size}; }
  bool has_one_holder() const { return head_->holders.load(std::memory_order_acquire) == 1; }

 private:
  struct Head {
    std::atomic<uint32_t> holders = 1;
    uint32_t size = 0;
  };  // and then the bytes
  void Free();

  Head* head_ = nullptr;
};

// A map from keys to packed texts that does not change; a changed one shares with it all but the
// shards that are different and the way to them. Copies are cheap. Keys are spread evenly over the
// 64 bits of their first part: the upper ones say in which shard, the others about where in it.
template <typename Key>
class ShardedMap {
  struct Shards;

 public:
  static constexpr int kBranchBits = 6;
  static constexpr size_t kBranches = size_t{1} << kBranchBits;  // and as many shards in each
  static constexpr int kShardBits = 2 * kBranchBits;

  struct Entry {
    Key key = {};
    PackedText text = {};  // null in a change: to be taken out
  };
  using Shard = std::vector<Entry>;  // by key

 private:
  struct Branch {
    std::array<std::shared_ptr<const Shard>, kBranches> shards = {};  // null: empty
  };
  struct Root {
    std::array<std::shared_ptr<const Branch>, kBranches> branches = {};  // null: empty
    size_t size = 0;
  };

 public:
  ShardedMap();

  // Null if there is none. Lives as long as the map, or another that shares it. Allocates nothing.
  const char* Find(const Key& key) const;
  size_t size() const { return root_->size; }
  // Calls `visit(key, text)` for each, in no order.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const std::shared_ptr<const Branch>& branch : root_->branches) {
      if (branch == nullptr) continue;
      for (const std::shared_ptr<const Shard>& shard : branch->shards) {
        if (shard == nullptr) continue;
        for (const Entry& entry : *shard) visit(entry.key, entry.text.data());
      }
    }
  }
  // Gathers what is to be different, each shard aside. Of changes of one key the last counts.
  class Change {
   public:
    explicit Change(const ShardedMap& map);

    void Set(const Key& key, PackedText text);
    void Erase(const Key& key) { Set(key, PackedText()); }
    // Once.
    ShardedMap Finish();

   private:
    std::shared_ptr<const Root> before_;
    // By branch and shard. Null, or a branch that is empty: as before.
    std::array<std::vector<std::unique_ptr<Shard>>, kBranches> changed_;
    bool is_changed_ = false;
  };

 private:
  explicit ShardedMap(std::shared_ptr<const Root> root) : root_(std::move(root)) {}

  static size_t BranchOf(const Key& key) { return key[0] >> (64 - kBranchBits); }
  static size_t ShardOf(const Key& key) {  // in its branch
    return (key[0] >> (64 - kShardBits)) & (kBranches - 1);
  }

  std::shared_ptr<const Root> root_;  // never null
};

using PhoneKey = std::array<uint64_t, 1>;  // the digits, mixed
using SidKey = std::array<uint64_t, 2>;    // the digits, the first half mixed

// Does not change once made, so any thread may look things up; copies are cheap. What a look-up
// returns lives as long as the table or a copy of it.
class NumberTable {
 public:
  NumberTable() : maps_(std::make_shared<const Maps>()) {}

  // Numbers as they are written; nothing for what is no number.
  std::optional<NumberText> FindNumber(absl::string_view phone_number) const;
  std::optional<ApplicationText> FindApplication(absl::string_view sid) const;

  size_t numbers() const { return maps_->numbers.size(); }
  size_t applications() const { return maps_->applications.size(); }

  // Whether nobody has a copy of this table. Tables that were made from it are none.
  bool has_one_holder() const { return maps_.use_count() == 1; }

  // The names of bins that handlers refer to, once each.
  absl::flat_hash_set<std::string> Bins() const;

 private:
  friend class NumberTableChange;

  struct Maps {
    ShardedMap<PhoneKey> numbers = {};
    ShardedMap<SidKey> applications = {};
  };
  explicit NumberTable(std::shared_ptr<const Maps> maps) : maps_(std::move(maps)) {}

  std::shared_ptr<const Maps> maps_;  // never null
};

// The texts that tables have, so that equal ones are there once. Used by one thread at a time.
class PackedTexts {
 public:
  PackedText Keep(absl::string_view bytes);
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
  static absl::string_view BytesOf(const PackedText& text) { return text.bytes(); }

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
