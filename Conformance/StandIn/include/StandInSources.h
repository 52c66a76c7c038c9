/// The files of the stand-in for the TDX module, as bytes in the program: what the kernel's tree
/// gets, by its path there below `standin/`.
#ifndef STAND_IN_SOURCES_H
#define STAND_IN_SOURCES_H

#include <stddef.h>

struct stand_in_file {
  const char *_Nonnull path;
  const unsigned char *_Nonnull bytes;
  size_t size;
};

/// How many there are.
size_t stand_in_file_count(void);

/// The file of a number below the count.
struct stand_in_file stand_in_file_at(size_t index);

#endif
