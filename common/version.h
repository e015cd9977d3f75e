// The version of every binary; CMakeLists.txt says which.
#ifndef COMMON_VERSION_H_
#define COMMON_VERSION_H_

namespace understudy {

inline constexpr char kVersion[] = UNDERSTUDY_VERSION;

}  // namespace understudy

#endif  // COMMON_VERSION_H_
