/* What the files of the groups share. Each is one object of the library: the exports that wit-bindgen generated, and the
 * way from them to the author's hooks. The linker takes it only when JACKFIELD_EXPORT names it. */
#ifndef JACKFIELD_SRC_GROUP_H
#define JACKFIELD_SRC_GROUP_H

#include "generated/bindings.h"
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What JACKFIELD_EXPORT refers to. */
#define GROUP(name) const char jackfield_exports_##name = 0

/* After a call nothing may wait in a buffer: the log line belongs to this connection. A plugin that prints nothing has no
 * stream, and this does nothing. */
static inline void end_call(void) { fflush(NULL); }

static inline jackfield_text text_of(const bindings_string_t *string) {
  return (jackfield_text){(const char *)string->ptr, string->len};
}

#endif
