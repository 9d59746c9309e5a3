/* What the tests of the SDK share: a check that says what and where, and goes on. */
#ifndef JACKFIELD_TEST_CHECK_H
#define JACKFIELD_TEST_CHECK_H

#include <stdio.h>

static int failures;

#define CHECK(condition)                                                    \
  do {                                                                      \
    if (!(condition)) {                                                     \
      failures++;                                                           \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                       \
  } while (0)

/* The end of main: how it went. */
static inline int checked(const char *name) {
  printf("%s: %s\n", name, failures ? "FAILED" : "ok");
  return failures ? 1 : 0;
}

#endif
