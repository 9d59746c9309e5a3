/* The group `server-events`. */
#include "group.h"

#include "generated/export_server_events.c"

GROUP(server_events);

void exports_jackfield_plugin_server_events_on_started(void) {
  if (jackfield_hooks_server_events.on_started) jackfield_hooks_server_events.on_started();
  end_call();
}

void exports_jackfield_plugin_server_events_on_shutdown(void) {
  if (jackfield_hooks_server_events.on_shutdown) jackfield_hooks_server_events.on_shutdown();
  end_call();
}
