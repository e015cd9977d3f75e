// Finding one of a fixed set of names without allocating: hash tables that the compiler fills.
#ifndef COMMON_TWILIO_NAME_TABLE_H_
#define COMMON_TWILIO_NAME_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace understudy::twilio {

// A hash of all bytes of `name`, of which any bits may be used. The same at compile time and at run
// time. Not for names whose author could profit from collisions: the tables are fixed, so a name
// that is not in them costs at most a few comparisons more.
constexpr uint64_t HashName(absl::string_view name) {
  // Compilers make one load of these.
  const auto load4 = [](const char* p) {
    uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word |= uint32_t{static_cast<unsigned char>(p[i])} << (8 * i);
    return uint64_t{word};
  };
  const auto mix = [](uint64_t x) {
    x *= 0x9E3779B97F4A7C15u;  // 2^64 divided by the golden ratio
    return x ^ (x >> 32);
  };
  const char* at = name.data();
  size_t left = name.size();
  uint64_t hash = left;
  for (; left > 8; at += 8, left -= 8) hash = mix(hash ^ load4(at) ^ (load4(at + 4) << 32));
  if (left >= 4) {
    hash ^= load4(at) ^ (load4(at + left - 4) << 32);
  } else if (left > 0) {
    const auto byte = [at](size_t i) { return uint64_t{static_cast<unsigned char>(at[i])}; };
    hash ^= byte(0) ^ (byte(left / 2) << 8) ^ (byte(left - 1) << 16);
  }
  return mix(hash);
}

// Numbers below 65535 by hash, in at least twice as many places. Whoever looks one up compares what
// the numbers stand for.
template <size_t kPlaces>
class NameTable {
  static_assert((kPlaces & (kPlaces - 1)) == 0, "a power of two");

 public:
  // REQUIRES: fewer than kPlaces / 2 were added.
  constexpr void Add(uint64_t hash, size_t number) {
    size_t place = hash & (kPlaces - 1);
    while (numbers_[place] != 0) place = (place + 1) & (kPlaces - 1);
    numbers_[place] = static_cast<uint16_t>(number + 1);
  }

  // The number added under `hash` for which `is_it` holds, else kNone.
  template <typename Predicate>
  constexpr size_t Find(uint64_t hash, Predicate is_it) const {
    for (size_t place = hash & (kPlaces - 1); numbers_[place] != 0;
         place = (place + 1) & (kPlaces - 1)) {
      const size_t number = numbers_[place] - size_t{1};
      if (is_it(number)) return number;
    }
    return kNone;
  }

  static constexpr size_t kNone = 65535;

 private:
  std::array<uint16_t, kPlaces> numbers_ = {};  // plus 1; 0 is a free place
};

}  // namespace understudy::twilio

#endif  // COMMON_TWILIO_NAME_TABLE_H_
