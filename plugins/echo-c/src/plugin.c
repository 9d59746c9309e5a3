/* The smallest plugin: every message goes back to where it came from, text as text, binary as binary. */

#include <jackfield.h>
#include <stdio.h>

static void echo(jackfield_connection connection, jackfield_message message) {
  jackfield_status status = jackfield_send(connection, message);
  if (status != JACKFIELD_OK) fprintf(stderr, "not echoed: %s\n", jackfield_status_text(status));
}

JACKFIELD_EXPORT(handler, .business_handler = echo);
