// A process that is killed at a step of its choice, for LD_PRELOAD. A step is a call that makes, renames or links a
// file or a folder of which some path contains KILL_AT_PATH; before the step of number KILL_AT_STEP, counted from 1, the
// process kills itself.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long steps;

static int is_meant(int folder, const char* path) {
  const char* wanted = getenv("KILL_AT_PATH");
  if (wanted == NULL || path == NULL) return 0;
  if (strstr(path, wanted) != NULL) return 1;
  if (path[0] == '/' || folder == AT_FDCWD) return 0;
  char link[64];
  char parent[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
  const ssize_t length = readlink(link, parent, sizeof parent - 1);
  if (length <= 0) return 0;
  parent[length] = '\0';
  return strstr(parent, wanted) != NULL;
}

static void step(int folder, const char* path, int other_folder, const char* other) {
  if (!is_meant(folder, path) && !is_meant(other_folder, other)) return;
  const char* last = getenv("KILL_AT_STEP");
  if (last != NULL && atomic_fetch_add(&steps, 1) + 1 == atol(last)) kill(getpid(), SIGKILL);
}

#define NEXT(name, result, ...)                            \
  static result (*next)(__VA_ARGS__);                      \
  if (next == NULL) next = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

int rename(const char* from, const char* to) {
  NEXT("rename", int, const char*, const char*);
  step(AT_FDCWD, from, AT_FDCWD, to);
  return next(from, to);
}

int renameat(int folder, const char* from, int other, const char* to) {
  NEXT("renameat", int, int, const char*, int, const char*);
  step(folder, from, other, to);
  return next(folder, from, other, to);
}

int renameat2(int folder, const char* from, int other, const char* to, unsigned flags) {
  NEXT("renameat2", int, int, const char*, int, const char*, unsigned);
  step(folder, from, other, to);
  return next(folder, from, other, to, flags);
}

int link(const char* from, const char* to) {
  NEXT("link", int, const char*, const char*);
  step(AT_FDCWD, from, AT_FDCWD, to);
  return next(from, to);
}

int linkat(int folder, const char* from, int other, const char* to, int flags) {
  NEXT("linkat", int, int, const char*, int, const char*, int);
  step(folder, from, other, to);
  return next(folder, from, other, to, flags);
}

int mkdir(const char* path, mode_t mode) {
  NEXT("mkdir", int, const char*, mode_t);
  step(AT_FDCWD, path, AT_FDCWD, NULL);
  return next(path, mode);
}

int unlink(const char* path) {
  NEXT("unlink", int, const char*);
  step(AT_FDCWD, path, AT_FDCWD, NULL);
  return next(path);
}

int unlinkat(int folder, const char* path, int flags) {
  NEXT("unlinkat", int, int, const char*, int);
  step(folder, path, AT_FDCWD, NULL);
  return next(folder, path, flags);
}

#define OPEN(name)                                         \
  int name(const char* path, int flags, ...) {             \
    NEXT(#name, int, const char*, int, ...);               \
    va_list rest;                                          \
    va_start(rest, flags);                                 \
    const mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                          \
    if (flags & O_CREAT) step(AT_FDCWD, path, AT_FDCWD, NULL); \
    return next(path, flags, mode);                        \
  }

OPEN(open)
OPEN(open64)

#define OPENAT(name)                                       \
  int name(int folder, const char* path, int flags, ...) { \
    NEXT(#name, int, int, const char*, int, ...);          \
    va_list rest;                                          \
    va_start(rest, flags);                                 \
    const mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                          \
    if (flags & O_CREAT) step(folder, path, AT_FDCWD, NULL); \
    return next(folder, path, flags, mode);                \
  }

OPENAT(openat)
OPENAT(openat64)
