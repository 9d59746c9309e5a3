/* What hooks fill in: the response to an upgrade request, and the state that is carried over a swap. In tests they are
 * looked at; in a component they become the results of the exports. */
#ifndef JACKFIELD_SRC_ANSWER_H
#define JACKFIELD_SRC_ANSWER_H

#include "host.h"

struct jackfield_response {
  /* 0: the upgrade goes on. */
  uint16_t status;
  char *body;
  /* Names and values are allocated, each by itself. */
  jackfield_header *headers;
  size_t header_count;
};

struct jackfield_state {
  uint8_t *data;
  size_t size, room;
  /* NULL: it can be done. */
  char *failure;
};

#endif
