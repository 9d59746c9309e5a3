/* The group `socket-events`. */
#include "group.h"

#include "generated/export_socket_events.c"

GROUP(socket_events);

#define HOOKS jackfield_hooks_socket_events

void exports_jackfield_plugin_socket_events_on_connected(uint64_t connection, bindings_string_t *peer) {
  if (HOOKS.on_connected) HOOKS.on_connected(connection, text_of(peer));
  bindings_string_free(peer);
  end_call();
}

void exports_jackfield_plugin_socket_events_on_upgrade_part_receive(uint64_t connection, uint32_t received) {
  if (HOOKS.on_upgrade_part_receive) HOOKS.on_upgrade_part_receive(connection, received);
  end_call();
}

void exports_jackfield_plugin_socket_events_on_handshake_failure(uint64_t connection, uint16_t status, bindings_string_t *reason) {
  if (HOOKS.on_handshake_failure) HOOKS.on_handshake_failure(connection, status, text_of(reason));
  bindings_string_free(reason);
  end_call();
}

void exports_jackfield_plugin_socket_events_on_after_remove_socket(uint64_t connection) {
  if (HOOKS.on_after_remove_socket) HOOKS.on_after_remove_socket(connection);
  end_call();
}

void exports_jackfield_plugin_socket_events_on_error(uint64_t connection, exports_jackfield_plugin_socket_events_error_kind_t kind, bindings_string_t *detail) {
  if (HOOKS.on_error) HOOKS.on_error(connection, (jackfield_error_kind)kind, text_of(detail));
  bindings_string_free(detail);
  end_call();
}
