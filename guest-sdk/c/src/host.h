/* The host, as src/connection.c calls it: the component's imports (src/component_host.c), or a stand-in for tests
 * (src/testing.c). What is given was checked: text is UTF-8, a code fits in 16 bits. */
#ifndef JACKFIELD_SRC_HOST_H
#define JACKFIELD_SRC_HOST_H

#include <jackfield.h>

jackfield_status host_send(jackfield_connection connection, jackfield_message message);
jackfield_status host_send_uncompressed(jackfield_connection connection, jackfield_message message);
jackfield_status host_send_fragment(jackfield_connection connection, jackfield_message part, bool last);
jackfield_status host_ping(jackfield_connection connection, jackfield_bytes payload);
jackfield_status host_pong(jackfield_connection connection, jackfield_bytes payload);
jackfield_status host_close(jackfield_connection connection, uint16_t code, jackfield_text reason);
jackfield_status host_disconnect(jackfield_connection connection);
jackfield_status host_attribute(jackfield_connection connection, jackfield_text name, jackfield_bytes *value);
jackfield_status host_set_attribute(jackfield_connection connection, jackfield_text name, jackfield_bytes value);
jackfield_status host_remove_attribute(jackfield_connection connection, jackfield_text name);
bool host_info(jackfield_connection connection, jackfield_info *info);

/* A string of its own, ended by a NUL. Out of memory is a trap. */
char *jackfield_copy_text(jackfield_text text);

/* Whether these bytes are UTF-8. */
bool jackfield_is_utf8(const uint8_t *data, size_t size);

#endif
