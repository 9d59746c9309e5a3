/* The group `connection-events`. */
#include "group.h"

#include "generated/export_connection_events.c"

GROUP(connection_events);

void exports_jackfield_plugin_connection_events_on_handshake_success(uint64_t connection) {
  if (jackfield_hooks_connection_events.on_handshake_success) {
    jackfield_hooks_connection_events.on_handshake_success(connection);
  }
  end_call();
}

void exports_jackfield_plugin_connection_events_on_disconnected(uint64_t connection, exports_jackfield_plugin_connection_events_ending_t *ending) {
  jackfield_ending given = {ending->code, text_of(&ending->reason), ending->clean};
  if (jackfield_hooks_connection_events.on_disconnected) {
    jackfield_hooks_connection_events.on_disconnected(connection, given);
  }
  exports_jackfield_plugin_connection_events_ending_free(ending);
  end_call();
}
