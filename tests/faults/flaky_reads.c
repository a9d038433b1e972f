// Storage that fails or hangs, for LD_PRELOAD. Reads (pread) of files *.parquet below the folder FLAKY_READS_UNDER
//
// - fail with EIO FLAKY_READS_FAILURES times, after the first FLAKY_READS_SPARED, over all files and threads;
// - wait for as long as the file FLAKY_READS_WHILE exists; FLAKY_READS_WHILE.reached tells that one does.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long calls;

static long setting(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : atol(text);
}

static int is_flaky(int fd) {
  const char* under = getenv("FLAKY_READS_UNDER");
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (under == NULL || length < 8) return 0;
  path[length] = '\0';
  return strncmp(path, under, strlen(under)) == 0 && strcmp(path + length - 8, ".parquet") == 0;
}

static void wait_while_told(void) {
  const char* told = getenv("FLAKY_READS_WHILE");
  if (told == NULL || access(told, F_OK) != 0) return;
  char reached[PATH_MAX];
  snprintf(reached, sizeof reached, "%s.reached", told);
  close(open(reached, O_CREAT | O_WRONLY, 0600));
  while (access(told, F_OK) == 0) usleep(5000);
}

static int fails(int fd) {
  const int saved = errno;
  int result = 0;
  if (is_flaky(fd)) {
    wait_while_told();
    const long call = atomic_fetch_add(&calls, 1) - setting("FLAKY_READS_SPARED");
    result = call >= 0 && call < setting("FLAKY_READS_FAILURES");
  }
  errno = result ? EIO : saved;
  return result;
}

typedef ssize_t (*Pread)(int, void*, size_t, off_t);

ssize_t pread(int fd, void* buffer, size_t count, off_t offset) {
  static _Atomic(Pread) next;
  if (next == NULL) next = (Pread)dlsym(RTLD_NEXT, "pread");
  return fails(fd) ? -1 : next(fd, buffer, count, offset);
}

ssize_t pread64(int fd, void* buffer, size_t count, off_t offset) {
  static _Atomic(Pread) next;
  if (next == NULL) next = (Pread)dlsym(RTLD_NEXT, "pread64");
  return fails(fd) ? -1 : next(fd, buffer, count, offset);
}
